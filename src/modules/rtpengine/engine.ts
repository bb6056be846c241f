import type { NgDictionary, NgValue } from '../../media/bencode.js';
import { NgClient } from '../../media/ng-client.js';
import { type MediaProxy, mediaSets, proxiesFor } from '../../media/proxies.js';
import { compileFormat, type Format } from '../../pvar/format.js';
import { KAMAILIO_NAMES } from '../../pvar/names.js';
import type { MessageRun } from '../../script/call.js';
import type { ModuleParameters, ModuleStates, ScriptEnvironment } from '../../script/environment.js';
import { PerCall } from '../../script/per-call.js';
import { raiseEvent } from '../../script/raised-events.js';
import { adderOf, ExpiringMap } from '../expiring-map.js';
import { renewedProxies, sharedProxies } from '../shared-proxies.js';
import type { MediaFlags } from './flags.js';

/** Maximum number of calls whose media proxy is remembered, and for how long in milliseconds. */
const MAX_CALLS = 200_000;
const REMEMBERED_MS = 4 * 3_600_000;

/** State of rtpengine: the media proxies of a cfg file. */
export interface MediaEngine {
  readonly sets: Map<number, MediaProxy[]>;
  readonly timeoutMs: number;
  readonly retries: number;
  /** Milliseconds for which a proxy that did not answer is not used. */
  readonly restMs: number;
  /** The set for calls without a chosen one, and the AVP that can give another. */
  readonly defaultSet: number;
  readonly setAvp: string | undefined;
  readonly calls: ExpiringMap<MediaProxy>;
  /**
   * Variables that replace the body as source and as target of SDP, and the variable that "via-branch=extra" stands
   * for.
   */
  readonly sdpFrom: Format | undefined;
  readonly sdpInto: Format | undefined;
  readonly extraId: Format | undefined;
  client: NgClient | undefined;
}

/**
 * A timeout in milliseconds. Some files give it in seconds and others in milliseconds: 1 and 1000 both mean one second.
 */
function timeout(parameters: ModuleParameters): number {
  const ms = parameters.int('rtpengine_tout_ms', 0) || parameters.int('rtpengine_timeout', 0);
  return ms > 0 ? ms : parameters.int('rtpengine_tout', 1) * 1000;
}

/**
 * The variable that a parameter of Kamailio names; undefined when it is not set. Throws for a text that is not a
 * variable.
 */
function variable(parameters: ModuleParameters, name: string): Format | undefined {
  const text = parameters.text(name, '');
  return text === '' ? undefined : compileFormat(text, { names: KAMAILIO_NAMES });
}

/** State of rtpengine, made from the parameters. */
export const mediaEngine = {
  module: 'rtpengine',
  /** Throws an Error for an invalid address. */
  create(parameters: ModuleParameters, states: ModuleStates): MediaEngine {
    return {
      sets: sharedProxies(mediaSets(parameters.all('rtpengine_sock').map(String)), states, 'rtpengine'),
      timeoutMs: Math.min(10_000, Math.max(10, timeout(parameters))),
      retries: Math.min(20, Math.max(0, parameters.int('rtpengine_retr', 5))),
      restMs: parameters.int('rtpengine_disable_tout', 60) * 1000,
      defaultSet: parameters.int('setid_default', 0),
      setAvp: parameters.avp('setid_avp'),
      calls: new ExpiringMap<MediaProxy>(MAX_CALLS, undefined, 'media_calls'),
      sdpFrom: variable(parameters, 'read_sdp_pv'),
      sdpInto: variable(parameters, 'write_sdp_pv'),
      extraId: variable(parameters, 'extra_id_pv'),
      client: undefined,
    };
  },
  /** Proxies that are still configured keep their state. */
  renew(before: MediaEngine, parameters: ModuleParameters, states: ModuleStates): MediaEngine {
    const after = this.create(parameters, states);
    const sets = renewedProxies(before.sets, after.sets, states, 'rtpengine');
    return { ...after, sets, calls: before.calls, client: before.client };
  },
};

/** Set that set_rtpengine_set() chose for a call. */
const chosen = new PerCall((): number | undefined => undefined);

/** Chooses the set of media proxies for a call; false for a set that does not exist. */
export function chooseSet(run: MessageRun, set: number): boolean {
  if (run.env.modules.of(mediaEngine).sets.has(set) === false) return false;
  chosen.set(run.call, set);
  return true;
}

/** The set of a call: the chosen one, else that in the AVP of `setid_avp`, else `setid_default`. */
function setOf(run: MessageRun, { defaultSet, setAvp }: MediaEngine): number {
  const set = chosen.of(run.call);
  if (set !== undefined) return set;
  const value = setAvp === undefined ? null : (run.pvars.avps.get(setAvp) ?? null);
  return value === null ? defaultSet : Number(value);
}

/** Source address of the message, as a key of the ng protocol. */
export function receivedFrom({ source: { address } }: MessageRun): NgDictionary {
  return { 'received-from': [address.includes(':') ? 'IP6' : 'IP4', address] };
}

/**
 * Sends a command to the proxy of a call, or to the next one when it does not answer. Undefined when none answered
 * within the timeout of async().
 */
export async function command(
  run: MessageRun,
  name: string,
  flags: MediaFlags,
  more: NgDictionary,
): Promise<NgDictionary | undefined> {
  const { env } = run;
  if (env.services.isolated === true) return undefined;
  const engine = env.modules.of(mediaEngine);
  const set = engine.sets.get(setOf(run, engine)) ?? [];
  const callId = flags.callId ?? run.message.callId;
  const now = env.clock.monotonic();
  const known = engine.calls.get(callId, now);
  const order = proxiesFor(set, callId, now);
  const usable = known !== undefined && !known.disabled && known.until <= now && set.includes(known);
  const tried = usable ? [known, ...order.filter((each) => each !== known)] : order;
  // As recorded, Kamailio sends the source address with every command, and announces that it understands a proxy's load
  // limit.
  const always: NgDictionary = env.dialect === 'kamailio' ? { ...receivedFrom(run), supports: ['load limit'] } : {};
  const described = name === 'offer' || name === 'answer' || env.dialect === 'opensips';
  const keys = described ? flags.keys : withoutSdpKeys(flags.keys);
  const message: NgDictionary = { ...keys, ...always, ...more, 'call-id': callId, command: name };
  engine.client ??= new NgClient(env.clock, env.random);
  for (const proxy of tried) {
    const answer = await engine.client.send(proxy, message, engine);
    if (answer === undefined) {
      proxy.unanswered++;
      rest(env, engine, proxy);
      continue;
    }
    proxy.answered++;
    if (answer['result'] === 'load limit' && name === 'offer') continue;
    if (name === 'delete') engine.calls.delete(callId);
    else engine.calls.set(callId, proxy, now + REMEMBERED_MS, adderOf(run));
    return run.overdue ? undefined : answer;
  }
  env.peerLog.error({ callId, command: name, tried: tried.length }, 'script: no media proxy answers');
  return undefined;
}

/** As recorded, Kamailio sends keys about SDP only with SDP. */
function withoutSdpKeys(keys: NgDictionary): NgDictionary {
  const { codec: _codec, 'rtcp-mux': _mux, direction: _direction, replace: _replace, SDES: _sdes, ...others } = keys;
  return others;
}

/** Stops using a proxy that does not answer for some time, after which it is tried again. */
export function rest(env: ScriptEnvironment, engine: MediaEngine, proxy: MediaProxy): void {
  const { url } = proxy;
  proxy.until = env.clock.monotonic() + engine.restMs;
  env.peerLog.warn(
    { proxy: url, seconds: engine.restMs / 1000 },
    'script: a media proxy does not answer and is not used for some time',
  );
  status(env, url, 'inactive');
  env.clock.schedule(engine.restMs, () => {
    void engine.client?.send(proxy, { command: 'ping' }, { timeoutMs: engine.timeoutMs, retries: 0 }).then((answer) => {
      if (answer?.['result'] === 'pong') {
        proxy.until = 0;
        status(env, url, 'active');
      } else if (!proxy.disabled) proxy.until = env.clock.monotonic() + engine.restMs;
    });
  });
}

/** Raises OpenSIPS' E_RTPENGINE_STATUS. */
function status(env: ScriptEnvironment, socket: string, state: string): void {
  if (env.dialect !== 'opensips') return;
  raiseEvent(
    env,
    'E_RTPENGINE_STATUS',
    new Map([
      ['socket', socket],
      ['status', state],
    ]),
  );
}

/** Whether a proxy reported success; an error is logged. */
export function succeeded(run: MessageRun, name: string, answer: NgDictionary | undefined): boolean {
  if (answer === undefined) return false;
  if (answer['result'] === 'ok' || answer['result'] === 'pong') return true;
  const reason: NgValue = answer['error-reason'] ?? answer['result'] ?? '';
  run.env.peerLog.error(
    { callId: run.message.callId, command: name, reason: typeof reason === 'string' ? reason.slice(0, 200) : '' },
    'script: a media proxy refuses a command',
  );
  return false;
}
