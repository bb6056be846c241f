import type { ScriptEnvironment } from '../../script/environment.js';
import { hashTables } from './tables.js';

/** Hash tables whose rows are in: they are read once, and again when an operator asks. */
const filled = new WeakSet<object>();

/** Puts the rows of the database into the hash tables that are new. To be called before the first script runs. */
export function fillHashTables(env: ScriptEnvironment): void {
  for (const [name, table] of env.modules.of(hashTables)) {
    if (filled.has(table.entries)) continue;
    filled.add(table.entries);
    fillHashTable(env, name);
  }
}

/** Has a hash table filled again with the rows that are read next. False where it is not of a database. */
export function refillHashTable(env: ScriptEnvironment, name: string): boolean {
  const table = env.modules.of(hashTables).get(name);
  if (table === undefined || !env.tables.hashes.has(name)) return false;
  filled.delete(table.entries);
  return true;
}

function fillHashTable(env: ScriptEnvironment, name: string): void {
  const table = env.modules.of(hashTables).get(name);
  const rows = env.tables.hashes.get(name);
  if (table === undefined || rows === undefined) return;
  const [now, wall] = [env.clock.monotonic(), env.clock.now()];
  table.entries.clear();
  for (const { key, value, expires } of rows) {
    if (expires > 0 && expires * 1000 <= wall) continue;
    const end = expires > 0 ? now + expires * 1000 - wall : table.autoexpire > 0 ? now + table.autoexpire : undefined;
    table.entries.set(key, value, end);
  }
}
