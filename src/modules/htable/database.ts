import type { ScriptEnvironment } from '../../script/environment.js';
import type { HashRow } from '../../script/tables.js';
import { type HashTable, hashTables } from './tables.js';

/** Hash tables that have been filled from the database: that is done once, and again when an operator asks for it. */
const filled = new WeakSet<HashTable['entries']>();

/** Fills new hash tables with the rows of the database. Must be called before the first route runs. */
export function fillHashTables(env: ScriptEnvironment): void {
  for (const [name, table] of env.modules.of(hashTables)) {
    if (filled.has(table.entries)) continue;
    filled.add(table.entries);
    const rows = env.tables.hashes.get(name);
    if (rows !== undefined) fillHashTable(env, table, rows);
  }
}

/** Lets a hash table be filled again with the rows that are read next. False when it has no database table. */
export function refillHashTable(env: ScriptEnvironment, name: string): boolean {
  const table = env.modules.of(hashTables).get(name);
  if (table === undefined || !env.tables.hashes.has(name)) return false;
  filled.delete(table.entries);
  return true;
}

/**
 * Replaces the entries of a table by rows. Other processes read the table meanwhile, and a lock over all rows would
 * stop them. Therefore each entry is replaced separately, and entries without a row are deleted last.
 */
function fillHashTable(
  { clock }: ScriptEnvironment,
  { entries, autoexpire }: HashTable,
  rows: readonly HashRow[],
): void {
  const [now, wall] = [clock.monotonic(), clock.now()];
  const old = new Set<string>();
  for (const [key] of entries.listed()) old.add(key);
  for (const { key, value, expires } of rows) {
    if (expires > 0 && expires * 1000 <= wall) continue;
    const end = expires > 0 ? now + expires * 1000 - wall : autoexpire > 0 ? now + autoexpire : undefined;
    entries.alone(() => {
      if (old.delete(key)) entries.delete(key);
      entries.set(key, value, end);
    });
  }
  for (const key of old) entries.delete(key);
}
