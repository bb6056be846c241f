import type { ScriptEnvironment } from '../../script/environment.js';
import type { HashRow } from '../../script/tables.js';
import { type HashTable, hashTables } from './tables.js';

/** Entries of hash tables whose rows are in: they are read once, and again when an operator asks. */
const filled = new WeakSet<HashTable['entries']>();

/** Puts the rows of the database into the hash tables that are new. To be called before the first script runs. */
export function fillHashTables(env: ScriptEnvironment): void {
  for (const [name, table] of env.modules.of(hashTables)) {
    if (filled.has(table.entries)) continue;
    filled.add(table.entries);
    const rows = env.tables.hashes.get(name);
    if (rows !== undefined) fillHashTable(env, table, rows);
  }
}

/** Has a hash table filled again with the rows that are read next. False where it is not of a database. */
export function refillHashTable(env: ScriptEnvironment, name: string): boolean {
  const table = env.modules.of(hashTables).get(name);
  if (table === undefined || !env.tables.hashes.has(name)) return false;
  filled.delete(table.entries);
  return true;
}

/**
 * Puts rows in place of the entries, in their order. Other processes read the table meanwhile, and a lock over all rows would stop them: each
 * entry is replaced by itself, and those without a row go last.
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
