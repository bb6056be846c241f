import type { ScriptEnvironment } from '../script/environment.js';
import { startExpiry } from './htable/expiry.js';
import { storeAtEnd } from './htable/store.js';
import { startContactPings } from './registrar/pings.js';
import { startLocations } from './registrar/timer.js';
import { startRouteTimers } from './rtimer.js';
import { pingMediaProxies } from './rtpengine/pings.js';

/** Starts the timers of modules; the returned function stops them. */
export function startModuleTimers(env: () => ScriptEnvironment): () => void {
  const stops = [startRouteTimers(env), startExpiry(env), startLocations(env), startContactPings(env)];
  storeAtEnd(env);
  pingMediaProxies(env());
  return () => {
    for (const stop of stops) stop();
  };
}
