import { dirname } from 'node:path';
import { parseDatabaseUrl } from '../../config/db-url.js';
import type { PartitionConfig, Settings } from '../../config/settings.js';
import { messageOf } from '../../core/errors.js';
import { nullLogger } from '../../core/logger.js';
import { Daemon } from '../../daemon/daemon.js';
import type { LoadReport } from '../../engine/partition.js';
import { type InitReport, initDatabase, type TableSpec } from '../../store/provision.js';
import { RowReader } from '../../store/rows.js';
import type { StoreLoad } from '../../store/store.js';
import type { TableRow } from '../../store/table-content.js';

/** The table of a partition. Throws SwitchyardError CONFIG_INVALID. */
export function tableOf(config: PartitionConfig): TableSpec {
  const url = parseDatabaseUrl(config.dbUrl, dirname(config.source));
  return { url, table: config.tableName, columns: config.columns, flavour: config.flavour };
}

/** Creates a partition's table and version row if missing (switchyard db init). Throws SwitchyardError STORE_*. */
export function initPartition(config: PartitionConfig): Promise<InitReport> {
  return initDatabase(tableOf(config));
}

/**
 * The rows of partitions as the daemon would load them, by partition, or why they cannot be read (switchyard db show).
 */
export async function rowsOf(
  settings: Settings,
  names: ReadonlySet<string>,
): Promise<ReadonlyMap<string, StoreLoad | { readonly failure: string }>> {
  const log = Object.assign(Object.create(nullLogger), { level: 'silent' });
  const daemon = new Daemon({ settings, log });
  const loads = new Map<string, StoreLoad | { readonly failure: string }>();
  try {
    const outcomes = await daemon.loadOnly(names);
    for (const name of names) {
      const load = await daemon.readRows(name).catch((error: unknown) => ({ failure: messageOf(error) }));
      loads.set(name, 'failure' in load ? load : withoutDiscarded(load, outcomes.get(name)?.report));
    }
  } finally {
    await daemon.stop();
  }
  return loads;
}

/** Removes rows that the store accepts, but the load discards: unresolved hosts, unknown transports. */
function withoutDiscarded({ rows, discarded }: StoreLoad, report: LoadReport | undefined): StoreLoad {
  const known = new Set(discarded.map(({ row }) => row));
  const later = (report?.discarded ?? []).filter(({ row }) => !known.has(row));
  const left = new Set(later.map(({ row }) => row));
  return {
    rows: rows.filter(({ setId, uri }) => !left.has(`${setId} ${uri}`)),
    discarded: [...discarded, ...later],
  };
}

/** What is wrong with rows to be stored: a load would discard them. */
export function faultsOf(rows: readonly TableRow[], config: PartitionConfig, file: string): readonly string[] {
  const rules = { table: file, kind: 'file', flavour: config.flavour, persistentState: true } as const;
  const reader = new RowReader({ ...rules, freeswitchMaxWeight: 1 });
  for (const [i, { id: _, probe_mode, ...row }] of rows.entries()) {
    reader.add({ ...row, probeMode: probe_mode }, `row ${i + 1}`);
  }
  return reader
    .result()
    .discarded.map(({ row, reason }) => `${row}: ${reason}; the row is added, but loads will discard it`);
}
