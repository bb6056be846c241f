import { messageOf } from '../../core/errors.js';
import type { ScriptEnvironment } from '../../script/environment.js';
import { runEvent } from '../../script/service-routes.js';
import { fetched } from './functions.js';
import { type LocationTable, locationStore, secondsNow } from './store.js';

/**
 * Maximum number of addresses of record checked in one step, and milliseconds until the next step, between which calls
 * are handled.
 */
const MAX_AT_ONCE = 2000;
const NEXT_MS = 1;

/**
 * Loads the location tables of usrloc, then at intervals removes expired contacts and writes pending changes to the
 * database. The returned function stops that.
 */
export function startLocations(env: () => ScriptEnvironment): () => void {
  const first = env();
  if (first.dialect !== 'kamailio' || !first.modules.loaded.has('usrloc')) return () => undefined;
  const store = first.modules.of(locationStore);
  const { settings } = store;
  if (settings.mode === 1 || settings.mode === 2) {
    // Tables that are not preloaded are read at their first use.
    for (const name of settings.preload.length > 0 ? settings.preload : ['location']) void store.of(name)?.load(first);
  }
  // Connects to the database now, since the first connection takes long.
  if (settings.mode === 3) void clean(first, store.of('location'));
  let stop: () => void = () => undefined;
  /** Tables that have not been checked completely. */
  const left = new Set<string>();
  const sweep = (): void => {
    const now = env();
    if (left.size === 0) for (const name of now.modules.of(locationStore).tables.keys()) left.add(name);
    expire(now, left);
    stop = now.clock.schedule(
      left.size > 0 ? NEXT_MS : now.modules.of(locationStore).settings.timerSeconds * 1000,
      sweep,
    );
  };
  stop = first.clock.schedule(settings.timerSeconds * 1000, sweep);
  return () => stop();
}

/**
 * Removes expired contacts of some addresses of record of each table; a table that is checked completely is removed
 * from `left`.
 */
function expire(env: ScriptEnvironment, left: Set<string>): void {
  const { tables } = env.modules.of(locationStore);
  for (const name of left) {
    const table = tables.get(name);
    const mode = table?.settings.mode;
    if (table === undefined || mode === 3) {
      left.delete(name);
      void clean(env, table);
      continue;
    }
    const { found, isDone } = table.locations.expired(secondsNow(env), MAX_AT_ONCE);
    for (const contact of found)
      runEvent(env, 'usrloc:contact-expired', ({ call }) =>
        fetched.of(call).set('exp', { table: name, list: [contact] }),
      );
    if (!isDone) continue;
    left.delete(name);
    if (mode !== 0) void table.flush(env);
  }
}

async function clean(env: ScriptEnvironment, table: LocationTable | undefined): Promise<void> {
  try {
    await table?.clean(env, secondsNow(env));
  } catch (error) {
    env.peerLog.error({ err: messageOf(error), table: table?.name }, 'usrloc: expired contacts cannot be deleted');
  }
}
