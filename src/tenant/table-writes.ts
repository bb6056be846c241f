import { dirname } from 'node:path';
import { parseDatabaseUrl } from '../config/db-url.js';
import type { PartitionConfig } from '../config/settings.js';
import type { Clock } from '../core/clock.js';
import { SwitchyardError } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import { within } from '../core/within.js';
import type { DestinationRow } from '../engine/destination.js';
import { deleteRows, insertRows } from '../store/provision.js';
import type { RowIdentity, TableSpec } from '../store/table-spec.js';

/** Milliseconds that ds_add and ds_remove wait for the table. */
const WRITE_WAIT = 3000;

/** What is needed to write to the table of a partition. */
export interface WrittenTable {
  readonly config: PartitionConfig;
  readonly store: { readonly description: string };
  readonly clock: Clock;
  readonly log: Logger;
}

/** Inserts a row that a command created. Throws SwitchyardError. */
export async function persistRow(of: WrittenTable, row: DestinationRow): Promise<void> {
  await written(of, insertRows(tableOf(of.config), [row], {}, of.log));
}

/** Deletes the rows of destinations that a command removed. Throws SwitchyardError. */
export async function removeRows(of: WrittenTable, rows: readonly RowIdentity[]): Promise<void> {
  await written(of, deleteRows(tableOf(of.config), rows, of.log));
}

/** Waits at most WRITE_WAIT for a change of the table, so that the operator gets an answer. */
async function written({ clock, store }: WrittenTable, work: Promise<unknown>): Promise<void> {
  const inTime = await within(
    clock,
    WRITE_WAIT,
    work.then(() => true),
  );
  if (inTime === true) return;
  work.catch(() => {});
  const text = `${store.description} did not answer within ${WRITE_WAIT / 1000} s; it may still be written`;
  throw new SwitchyardError('STORE_UNREACHABLE', text, { retryable: true });
}

function tableOf({ dbUrl, source, tableName, columns, flavour }: PartitionConfig): TableSpec {
  return { url: parseDatabaseUrl(dbUrl, dirname(source)), table: tableName, columns, flavour };
}
