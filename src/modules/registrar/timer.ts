import { messageOf } from '../../core/errors.js';
import type { ScriptEnvironment } from '../../script/environment.js';
import { runEvent } from '../../script/service-routes.js';
import { fetched } from './functions.js';
import { type LocationTable, locationStore, secondsNow } from './store.js';

/** The most expired contacts removed at once, and the milliseconds until the next are removed, in which calls are handled. */
const MOST_AT_ONCE = 2000;
const NEXT_MS = 1;

/**
 * Loads the location tables of usrloc, then at intervals removes expired contacts and writes pending changes to the database. The
 * returned function stops that.
 */
export function startLocations(env: () => ScriptEnvironment): () => void {
  const first = env();
  if (first.dialect !== 'kamailio' || !first.modules.loaded.has('usrloc')) return () => undefined;
  const { settings } = first.modules.of(locationStore);
  if (settings.mode === 1 || settings.mode === 2) {
    const store = first.modules.of(locationStore);
    // Tables that are not preloaded are read when they are first used.
    for (const name of settings.preload.length > 0 ? settings.preload : ['location']) void store.of(name)?.load(first);
  }
  // Connects to the database now, since the first connection takes long.
  if (settings.mode === 3) void clean(first, first.modules.of(locationStore).of('location'));
  let stop: () => void = () => undefined;
  const sweep = (): void => {
    const now = env();
    const left = expire(now);
    stop = now.clock.schedule(left ? NEXT_MS : now.modules.of(locationStore).settings.timerSeconds * 1000, sweep);
  };
  stop = first.clock.schedule(settings.timerSeconds * 1000, sweep);
  return () => stop();
}

/** Removes expired contacts; true when there are more of them than are removed at once. */
function expire(env: ScriptEnvironment): boolean {
  let left = false;
  for (const [name, table] of env.modules.of(locationStore).tables) {
    const { mode } = table.settings;
    if (mode === 3) {
      void clean(env, table);
      continue;
    }
    const expired = table.locations.expired(secondsNow(env), MOST_AT_ONCE);
    left ||= expired.length >= MOST_AT_ONCE;
    for (const contact of expired)
      runEvent(env, 'usrloc:contact-expired', ({ call }) =>
        fetched.of(call).set('exp', { table: name, list: [contact] }),
      );
    if (mode !== 0) void table.flush(env);
  }
  return left;
}

async function clean(env: ScriptEnvironment, table: LocationTable | undefined): Promise<void> {
  try {
    await table?.clean(env, secondsNow(env));
  } catch (error) {
    env.peerLog.error({ err: messageOf(error), table: table?.name }, 'usrloc: expired contacts cannot be deleted');
  }
}
