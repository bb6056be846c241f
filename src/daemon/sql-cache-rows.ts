import type { LoadedCfg } from '../cfg-file/load.js';
import type { Clock } from '../core/clock.js';
import type { PvarValue } from '../pvar/value.js';
import { ModuleParameters } from '../script/environment.js';
import { type SqlCache, type SqlCacheDefinition, sqlCacheDefinitions } from '../script/sql-caches.js';
import type { DatabaseRow } from './script-rows.js';

/** The tables that sql_cacher keeps; none without the module. */
export function sqlCachesOf(cfg: LoadedCfg): readonly SqlCacheDefinition[] {
  if (!cfg.loaded.has('sql_cacher')) return [];
  return sqlCacheDefinitions(new ModuleParameters(cfg.modules.get('sql_cacher') ?? new Map()));
}

/** Seconds after which the tables that sql_cacher keeps are read again; undefined without such tables. */
export function sqlCacheSeconds(cfg: LoadedCfg): number | undefined {
  const all = sqlCachesOf(cfg).map(({ seconds }) => seconds);
  return all.length === 0 ? undefined : Math.min(...all);
}

/** Repeats an action, each time so many seconds after the one before has ended. The returned function stops that. */
export function every(clock: Clock, seconds: number | undefined, run: () => Promise<unknown>): () => void {
  if (seconds === undefined) return () => {};
  let cancel = () => {};
  let stopped = false;
  const wait = (): void => {
    if (stopped) return;
    cancel = clock.schedule(seconds * 1000, () => void run().finally(wait));
  };
  wait();
  return () => {
    stopped = true;
    cancel();
  };
}

function pvarOf(value: unknown): PvarValue {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number') return Math.trunc(value) === value ? value : String(value);
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value instanceof Date ? value.toISOString() : String(value);
}

/** The rows by key. A row without a key is left out, and of rows with the same key the last one stays. */
export function sqlCacheOf(rows: readonly DatabaseRow[], { key, columns }: SqlCacheDefinition): SqlCache {
  const names = columns.length > 0 ? columns : Object.keys(rows[0] ?? {});
  const kept = new Map<string, readonly PvarValue[]>();
  for (const row of rows) {
    const id = pvarOf(row[key]);
    if (id === null) continue;
    kept.set(
      String(id),
      names.map((name) => pvarOf(row[name])),
    );
  }
  return { columns: new Map(names.map((name, i) => [name, i])), rows: kept };
}
