import { NgClient } from '../../media/ng-client.js';
import type { ScriptEnvironment } from '../../script/environment.js';
import { mediaEngine, rest } from './engine.js';

/** Minimum time in milliseconds to wait for each ping: the process itself is busy while it starts. */
const MIN_WAIT_MS = 1000;

/**
 * Sends a ping to each media proxy at the start of a kamailio.cfg, and stops using those that do not answer, so that
 * callers do not wait for them: as recorded of Kamailio 5.6.3. Until a proxy has answered, calls prefer the others.
 */
export function pingMediaProxies(env: ScriptEnvironment): void {
  if (env.dialect !== 'kamailio' || !env.modules.loaded.has('rtpengine') || env.services.isolated === true) return;
  const engine = env.modules.of(mediaEngine);
  const now = env.clock.monotonic();
  engine.client ??= new NgClient(env.clock, env.random);
  // A proxy may be in several sets; one that has answered before a reload is known.
  const proxies = new Map([...engine.sets.values()].flat().map((each) => [each.url, each]));
  const timing = { timeoutMs: Math.max(MIN_WAIT_MS, engine.timeoutMs), retries: engine.retries };
  for (const proxy of proxies.values()) {
    if (proxy.disabled || proxy.until > now || proxy.answered > 0) continue;
    proxy.untested = true;
    void engine.client.send(proxy, { command: 'ping' }, timing).then((answer) => {
      proxy.untested = false;
      // It may have answered a command of a call meanwhile.
      if (answer === undefined && proxy.answered === 0) rest(env, engine, proxy);
    });
  }
}
