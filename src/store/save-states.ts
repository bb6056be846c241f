import type { Knex } from 'knex';
import { nextIteration } from '../core/event-loop.js';
import type { HealthState } from '../engine/destination.js';
import { stateNumber, storedText } from './rows.js';
import type { StateWrite } from './store.js';
import type { ColumnMap } from './table.js';

/** Rows in one statement: well below every database's limit of bound values. */
const CHUNK = 500;
const CHUNK_OF_PAIRS = 100;
const STATEMENT_TIMEOUT = 30_000;

/**
 * Writes states inside a transaction, with few statements for many rows. A row found by its primary key must still have
 * the same destination, since a refilled table may use old IDs for other gateways. Missing rows are skipped. Yields to
 * the event loop between statements, since those of SQLite are synchronous.
 */
export async function updateStates(
  trx: Knex.Transaction,
  table: string,
  columns: ColumnMap,
  states: readonly StateWrite[],
): Promise<void> {
  const byId: StateWrite[] = [];
  const byPair: StateWrite[] = [];
  for (const write of states) (columns.has('id') && write.rowId !== undefined ? byId : byPair).push(write);
  for (const part of chunks(byId, CHUNK)) {
    await updateById(trx, table, columns, part);
    await nextIteration();
  }
  for (const [state, writes] of byState(byPair)) {
    for (const part of chunks(writes, CHUNK_OF_PAIRS)) {
      await updateByPair(trx, table, columns, state, part);
      await nextIteration();
    }
  }
}

async function updateById(
  trx: Knex.Transaction,
  table: string,
  columns: ColumnMap,
  writes: readonly StateWrite[],
): Promise<void> {
  const id = columns.get('id') as string;
  const ids = writes.map((write) => write.rowId as Knex.Value);
  const found: { id: unknown; setid: unknown; destination: unknown }[] = await trx(table)
    .whereIn(id, ids)
    .select({ id, setid: columns.get('setid') as string, destination: columns.get('destination') as string })
    .timeout(STATEMENT_TIMEOUT);
  const stored = new Map(found.map((row) => [String(row.id), `${String(row.setid)} ${String(row.destination)}`]));
  const same = writes.filter((write) => {
    return stored.get(String(write.rowId)) === `${write.setId} ${storedText(write.uri)}`;
  });
  for (const [state, part] of byState(same)) {
    const partIds = part.map((write) => write.rowId as Knex.Value);
    await trx(table)
      .whereIn(id, partIds)
      .update({ [columns.get('state') as string]: stateNumber(state) })
      .timeout(STATEMENT_TIMEOUT);
  }
}

async function updateByPair(
  trx: Knex.Transaction,
  table: string,
  columns: ColumnMap,
  state: HealthState,
  writes: readonly StateWrite[],
): Promise<void> {
  const setid = columns.get('setid') as string;
  const destination = columns.get('destination') as string;
  await trx(table)
    .where((either) => {
      for (const write of writes) either.orWhere({ [setid]: write.setId, [destination]: storedText(write.uri) });
    })
    .update({ [columns.get('state') as string]: stateNumber(state) })
    .timeout(STATEMENT_TIMEOUT);
}

function byState(writes: readonly StateWrite[]): Map<HealthState, StateWrite[]> {
  const groups = new Map<HealthState, StateWrite[]>();
  for (const write of writes) {
    const group = groups.get(write.state);
    if (group === undefined) groups.set(write.state, [write]);
    else group.push(write);
  }
  return groups;
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const parts: T[][] = [];
  for (let i = 0; i < items.length; i += size) parts.push(items.slice(i, i + size));
  return parts;
}
