import { messageOf } from '../../core/errors.js';
import { within } from '../../core/within.js';
import type { PvarValue } from '../../pvar/context.js';
import type { ModuleParameters, ScriptEnvironment } from '../../script/environment.js';
import type { ScriptServices } from '../../script/services.js';
import { isSqlName } from '../sql.js';
import { wasRead } from './database.js';
import { type HashTable, hashTables } from './tables.js';

/** Maximum number of entries of a table that is written to a database. */
const MAX_STORED = 200_000;
/**
 * Maximum milliseconds for writing all tables when the program stops: a database that does not answer must not delay
 * the stop.
 */
const END_MS = 2500;
/** Maximum milliseconds for the transaction of one table, so that it ends before END_MS. */
const TRANSACTION_MS = 2300;

/** Services for which writing the hash tables at their end is already registered. */
const registered = new WeakSet<ScriptServices>();

/** Number of entries that were written, and that the database refused. */
export interface StoredEntries {
  readonly written: number;
  readonly left: number;
}

/**
 * Replaces the rows of a hash table's database table by its entries. Throws an Error with the reason when that is
 * impossible; the rows then stay as they were.
 */
export async function storeHashTable(
  env: ScriptEnvironment,
  name: string,
  table: HashTable,
  limitMs: number,
): Promise<StoredEntries> {
  if (table.ownColumns) {
    env.peerLog.warn({ htable: name }, 'htable: a table with its own columns is not written');
    return { written: 0, left: 0 };
  }
  const parameters = env.modules.module('htable');
  const url = parameters.text('db_url', '');
  if (url === '') throw new Error('htable has no db_url');
  if (!isSqlName(table.dbTable)) throw new Error(`"${table.dbTable}" is not a name of a table`);
  if (!wasRead(table)) throw new Error('its rows could not be read, they stay');
  const rows = rowsOf(env, table, parameters);
  const left = await env.services.database(url).replace(table.dbTable, rows, limitMs);
  return { written: rows.length - left, left };
}

/** The rows of a hash table, one for each entry that has not expired. Throws when there are too many. */
function rowsOf(
  { clock }: ScriptEnvironment,
  { entries, autoexpire }: HashTable,
  parameters: ModuleParameters,
): Record<string, PvarValue>[] {
  const column = (name: string): string => parameters.text(`${name}_column`, name);
  const [key, keyType, valueType] = [column('key_name'), column('key_type'), column('value_type')];
  const [keyValue, expiry] = [column('key_value'), column('expires')];
  const withExpiry = parameters.flag('db_expires', false) && autoexpire > 0;
  const [now, wall] = [clock.monotonic(), clock.now()];
  const rows: Record<string, PvarValue>[] = [];
  for (const [name, value, expires] of entries.listed()) {
    if (value === null || (expires !== undefined && expires <= now)) continue;
    if (rows.length >= MAX_STORED) throw new Error(`it has more than ${MAX_STORED} entries`);
    rows.push({
      [key]: name,
      // As recorded, an array is written as the separate entries from which it was read.
      [keyType]: 0,
      [valueType]: typeof value === 'number' ? 1 : 0,
      [keyValue]: String(value),
      [expiry]: withExpiry && expires !== undefined ? Math.floor((wall + expires - now) / 1000) : 0,
    });
  }
  return rows;
}

/** Makes the hash tables with dbmode be written before the databases are closed. */
export function storeAtEnd(env: () => ScriptEnvironment): void {
  const { services, modules, dialect } = env();
  if (dialect !== 'kamailio' || !modules.loaded.has('htable') || registered.has(services)) return;
  registered.add(services);
  services.beforeClosing?.(() => storeAll(env()));
}

/** Writes all tables with dbmode; one log line names those that were not written. Never rejects. */
async function storeAll(env: ScriptEnvironment): Promise<void> {
  const tables = [...env.modules.of(hashTables)].filter(
    ([, { dbTable, dbMode, ownColumns }]) => dbMode !== 0 && dbTable !== '' && !ownColumns,
  );
  const failed = new Map(tables.map(([name]) => [name, 'the database does not answer in time']));
  const all = tables.map(async ([name, table]) => {
    try {
      const { left } = await storeHashTable(env, name, table, TRANSACTION_MS);
      if (left === 0) failed.delete(name);
      else failed.set(name, `the database refuses ${left} entries`);
    } catch (error) {
      failed.set(name, messageOf(error));
    }
  });
  await within(env.clock, END_MS, Promise.all(all));
  if (failed.size === 0) return;
  const unwritten = tables
    .filter(([name]) => failed.has(name))
    .slice(0, MAX_NAMED)
    .map(([name, { entries }]) => ({ htable: name, entries: entries.size, reason: failed.get(name) }));
  env.peerLog.error({ tables: failed.size, unwritten }, 'htable: entries were not written to the database');
}

/** Maximum number of tables named in the log line. */
const MAX_NAMED = 20;
