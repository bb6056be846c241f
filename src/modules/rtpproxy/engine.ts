import { trimmed } from '../../core/characters.js';
import { DatagramCommands } from '../../media/datagram-commands.js';
import { type MediaProxy, mediaSets, proxiesFor } from '../../media/proxies.js';
import { StreamCommands } from '../../media/stream-commands.js';
import type { MessageRun } from '../../script/call.js';
import type { ModuleParameters, ModuleStates } from '../../script/environment.js';
import { PerCall } from '../../script/per-call.js';
import { adderOf, ExpiringMap } from '../expiring-map.js';
import { renewedProxies, sharedProxies } from '../shared-proxies.js';

/** Maximum number of calls whose media proxy is remembered, and for how long in milliseconds. */
const MAX_CALLS = 200_000;
const REMEMBERED_MS = 4 * 3_600_000;

/** Attribute line that marks an SDP as rewritten by a media proxy. */
const MARKER = 'a=nortpproxy:yes\r\n';

interface RtpProxies {
  readonly sets: Map<number, MediaProxy[]>;
  readonly timeoutMs: number;
  readonly retries: number;
  /** Milliseconds for which a proxy that did not answer is not used. */
  readonly restMs: number;
  readonly marker: string;
  /** The set used for calls for which the script chooses none. */
  readonly defaultSet: number;
  readonly calls: ExpiringMap<MediaProxy>;
  client: DatagramCommands | undefined;
  streams: StreamCommands | undefined;
}

/** Timeout in milliseconds from "rtpproxy_timeout" ("0.5" seconds) or "rtpproxy_tout" (seconds). */
function timeout(parameters: ModuleParameters): number {
  const seconds = Number(parameters.text('rtpproxy_timeout', parameters.text('rtpproxy_tout', '1')));
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 1000;
}

/** State of rtpproxy: the media proxies of a cfg file. */
export const rtpProxies = {
  module: 'rtpproxy',
  /** Throws an Error for an invalid address in "rtpproxy_sock". */
  create(parameters: ModuleParameters, states: ModuleStates): RtpProxies {
    const marker = parameters.text('nortpproxy_str', MARKER);
    return {
      sets: sharedProxies(mediaSets(parameters.all('rtpproxy_sock').map(String), true), states, 'rtpproxy'),
      timeoutMs: Math.min(10_000, Math.max(10, timeout(parameters))),
      retries: Math.min(20, Math.max(0, parameters.int('rtpproxy_retr', 5))),
      restMs: parameters.int('rtpproxy_disable_tout', 60) * 1000,
      marker: marker === '' || marker.endsWith('\n') ? marker : `${marker}\r\n`,
      defaultSet: parameters.int('default_set', 0),
      calls: new ExpiringMap<MediaProxy>(MAX_CALLS, undefined, 'media_calls'),
      client: undefined,
      streams: undefined,
    };
  },
  /** After a reload calls keep their proxy, and proxies keep their state. */
  renew(before: RtpProxies, parameters: ModuleParameters, states: ModuleStates): RtpProxies {
    const after = this.create(parameters, states);
    const sets = renewedProxies(before.sets, after.sets, states, 'rtpproxy');
    return { ...after, sets, calls: before.calls, client: before.client, streams: before.streams };
  },
};

/** Set of proxies that a script has chosen for a call. */
const chosen = new PerCall((): number | undefined => undefined);

/** Chooses the set of media proxies for a call; false when it does not exist. */
export function chooseProxySet(run: MessageRun, set: number): boolean {
  if (!run.env.modules.of(rtpProxies).sets.has(set)) return false;
  chosen.set(run.call, set);
  return true;
}

/**
 * Sends commands, all to the same proxy, and returns its answers in order; undefined when no proxy answers, or after
 * the timeout of async(). `ends`: the call has ended, and its proxy is forgotten.
 */
export async function ask(
  run: MessageRun,
  commands: readonly string[],
  ends = false,
): Promise<{ readonly proxy: MediaProxy; readonly answers: readonly string[] } | undefined> {
  const { env } = run;
  if (env.services.isolated === true) return undefined;
  const module = env.modules.of(rtpProxies);
  const { callId } = run.message;
  const now = env.clock.monotonic();
  const set = module.sets.get(chosen.known(run.call) ?? module.defaultSet) ?? [];
  const order = proxiesFor(set, callId, now);
  const known = module.calls.get(callId, now);
  const usable = known !== undefined && !known.disabled && known.until <= now;
  const tried = usable ? [known, ...order.filter((each) => each !== known)] : order;
  module.client ??= new DatagramCommands(env.clock, env.random);
  module.streams ??= new StreamCommands(env.clock);
  for (const proxy of tried) {
    const answers: string[] = [];
    for (const each of commands) {
      const { path, stream, host, port } = proxy;
      const answer = await (path === undefined && stream !== true
        ? module.client.send(proxy, each, module)
        : module.streams.send(path === undefined ? { host, port } : { path }, each, module.timeoutMs));
      if (answer === undefined) break;
      answers.push(trimmed(answer));
    }
    if (answers.length === commands.length) {
      proxy.answered++;
      if (ends) module.calls.delete(callId);
      else module.calls.set(callId, proxy, now + REMEMBERED_MS, adderOf(run));
      return run.overdue ? undefined : { proxy, answers };
    }
    proxy.unanswered++;
    proxy.until = env.clock.monotonic() + module.restMs;
    const fields = { proxy: proxy.url, seconds: module.restMs / 1000 };
    env.peerLog.warn(fields, 'script: a media proxy does not answer and is not used for some time');
  }
  env.peerLog.error({ callId, tried: tried.length }, 'script: no media proxy answers');
  return undefined;
}
