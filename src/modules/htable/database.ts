import type { ScriptEnvironment } from '../../script/environment.js';
import type { HashRow } from '../../script/tables.js';
import { type HashTable, hashTables } from './tables.js';

/**
 * For each hash table that was filled from the database, the rows used. A table is filled once, and again on an
 * operator's request.
 */
const filled = new WeakMap<HashTable['entries'], readonly HashRow[] | undefined>();
/** Hash tables that an operator has asked to fill again. */
const wanted = new WeakSet<HashTable['entries']>();

/** Fills new hash tables with the rows of the database. Must be called before the first route runs. */
export function fillHashTables(env: ScriptEnvironment): void {
  for (const [name, table] of env.modules.of(hashTables)) {
    const { entries } = table;
    const asked = wanted.delete(entries);
    if (filled.has(entries) && !asked) continue;
    const rows = env.tables.hashes.get(name);
    // The same rows mean that the database could not be read: the entries stay as they are.
    const isNew = rows !== filled.get(entries);
    filled.set(entries, rows);
    if (rows !== undefined && isNew) fillHashTable(env, table, rows);
  }
}

/** Whether a hash table was filled from its database table. Otherwise writing it would delete the rows. */
export function wasRead({ entries }: HashTable): boolean {
  return filled.get(entries) !== undefined;
}

/** Lets a hash table be filled again with the rows that are read next. False when it has no database table. */
export function refillHashTable(env: ScriptEnvironment, name: string): boolean {
  const table = env.modules.of(hashTables).get(name);
  if (table === undefined || !env.tables.hashes.has(name)) return false;
  wanted.add(table.entries);
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
    // As recorded, the time in a row counts only in tables whose entries expire.
    const timed = expires > 0 && autoexpire > 0;
    if (timed && expires * 1000 <= wall) continue;
    const end = timed ? now + expires * 1000 - wall : autoexpire > 0 ? now + autoexpire : undefined;
    entries.alone(() => {
      if (old.delete(key)) entries.delete(key);
      entries.set(key, value, end);
    });
  }
  for (const key of old) entries.delete(key);
}
