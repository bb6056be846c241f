import { addrSpecOf } from '../../core/name-addr.js';
import { parseUri } from '../../core/uri.js';
import { splitList } from '../../pvar/header-values.js';
import type { ModuleParameters, ModuleStates, ScriptEnvironment } from '../../script/environment.js';
import { isToken } from '../../sip/parse-message.js';
import type { Address, Resolution } from '../../sip/resolve.js';
import type { ClientUser } from '../../sip/transaction/client.js';
import type { SipSocket } from '../../sip/transport/transport.js';
import { flagParameter } from '../flags.js';
import { type Binding, isValid } from './contact.js';
import type { Locations } from './locations.js';
import { nextHopOf } from './lookup.js';
import { locationStore, secondsNow } from './store.js';

/** Minimum and maximum number of contacts pinged in one step, and milliseconds until the next step. */
const FEWEST_AT_ONCE = 10;
const MAX_AT_ONCE = 200;
const STEP_MS = 20;
/** Content of a datagram that keeps a NAT binding open without a request. */
const EMPTY_DATAGRAM = '\0\0\0\0';

/** Parameters of nathelper about pings of registered contacts. */
export interface ContactPings {
  /** Seconds between two pings of a contact; 0: none are sent. */
  readonly interval: number;
  /** Whether only contacts with the flag `nat_bflag` of usrloc are pinged. */
  readonly natedOnly: boolean;
  /** Masks of branch flags. */
  readonly nated: number;
  /** Branch flag of contacts that are sent requests instead of empty datagrams. */
  readonly bySip: number;
  readonly disabled: number;
  readonly from: string;
  readonly method: string;
  /** Whether empty datagrams go to the first hop of a Path. */
  readonly alongPath: boolean;
  /** Seconds after which a contact that does not answer is removed; 0: never. */
  readonly timeout: number;
  isOn: boolean;
}

function mask(flag: number | undefined): number {
  return flag === undefined || flag < 0 || flag > 31 ? 0 : 1 << flag;
}

function pingSettings(parameters: ModuleParameters, states: ModuleStates): ContactPings {
  const interval = Math.max(0, parameters.int('natping_interval', 0));
  const bySip = mask(flagParameter(parameters, 'sipping_bflag'));
  const from = parameters.text('sipping_from', '');
  const method = parameters.text('sipping_method', 'OPTIONS');
  if (interval > 0 && bySip !== 0 && from === '') throw new Error('sipping_bflag needs sipping_from');
  if (/[\r\n]/.test(from)) throw new Error('sipping_from is not a URI');
  if (!isToken(method)) throw new Error(`sipping_method: "${method}" is not a method`);
  return {
    interval: states.loaded.has('usrloc') ? interval : 0,
    natedOnly: parameters.flag('ping_nated_only', false),
    nated: mask(flagParameter(states.module('usrloc'), 'nat_bflag')),
    bySip,
    disabled: mask(flagParameter(parameters, 'natping_disable_bflag')),
    from,
    method,
    alongPath: parameters.flag('udpping_from_path', false),
    timeout: Math.max(0, parameters.int('keepalive_timeout', 0)),
    isOn: true,
  };
}

/** Settings of Kamailio's nathelper for pings of registered contacts. */
export const contactPings = { module: 'nathelper', create: pingSettings };

/** Time in seconds of each contact's last answer, or of the first request to it. */
type Answers = WeakMap<Binding, number>;

/**
 * Pings the registered contacts at intervals. The pings are spread over the interval: requests to all contacts at once
 * would be a flood for this host, and for an address that many contacts name. The returned function stops them.
 */
export function startContactPings(env: () => ScriptEnvironment): () => void {
  const first = env();
  const used = first.dialect === 'kamailio' && first.modules.loaded.has('nathelper');
  if (!used || first.modules.of(contactPings).interval === 0) return () => undefined;
  let answers: Answers = new WeakMap();
  let stop: () => void = () => undefined;
  let walk: Iterator<readonly [Locations, Binding]> | undefined;
  let began = 0;
  let atOnce = 0;
  const tick = (): void => {
    const now = env();
    const pings = now.modules.of(contactPings);
    const ms = Math.max(1, pings.interval) * 1000;
    if (pings.isOn && pings.interval > 0) {
      if (walk === undefined) {
        walk = contacts(now);
        began = now.clock.monotonic();
        atOnce = Math.min(MAX_AT_ONCE, Math.max(FEWEST_AT_ONCE, Math.ceil((numberOf(now) * STEP_MS) / ms)));
      }
      for (let count = 0; count < atOnce && walk !== undefined; count++) {
        const next = walk.next();
        if (next.done === true) walk = undefined;
        else treat(now, pings, answers, ...next.value);
      }
    } else {
      // Contacts that are not pinged cannot answer.
      walk = undefined;
      answers = new WeakMap();
      began = now.clock.monotonic();
    }
    const left = began + ms - now.clock.monotonic();
    stop = now.clock.schedule(walk === undefined ? Math.max(STEP_MS, left) : STEP_MS, tick);
  };
  stop = first.clock.schedule(first.modules.of(contactPings).interval * 1000, tick);
  return () => stop();
}

function* contacts(env: ScriptEnvironment): Generator<readonly [Locations, Binding]> {
  // A contact may be renewed or removed between two steps.
  for (const { locations } of env.modules.of(locationStore).tables.values())
    for (const list of locations.all())
      for (const contact of [...list]) if (list.includes(contact)) yield [locations, contact];
}

function numberOf(env: ScriptEnvironment): number {
  let size = 0;
  for (const { locations } of env.modules.of(locationStore).tables.values()) size += locations.size;
  return size;
}

/** Pings a contact, or removes one that has not answered for too long. */
function treat(
  env: ScriptEnvironment,
  pings: ContactPings,
  answers: Answers,
  locations: Locations,
  contact: Binding,
): void {
  const now = secondsNow(env);
  const { cflags } = contact;
  if (!isValid(contact, now) || (cflags & pings.disabled) !== 0) return;
  if (pings.natedOnly && (cflags & pings.nated) === 0) return;
  // As recorded, with ping_nated_only 0 and a flag for requests all contacts are sent requests.
  const bySip = (cflags & pings.bySip) !== 0 || (!pings.natedOnly && pings.bySip !== 0);
  const hop = bySip || pings.alongPath ? nextHopOf(contact) : contact.received;
  const uri = parseUri(hop ?? contact.uri);
  if (uri === undefined) return;
  const literal = env.resolver.literal(uri);
  const send = (to: Address): void => {
    // As recorded, connections are not pinged.
    if (to.transport !== 'udp') return;
    if (!bySip) datagram(env, contact, to);
    else if (isSilent(env, pings, answers, contact)) locations.remove(contact);
    else request(env, pings, contact, to, () => answers.set(contact, secondsNow(env)));
  };
  if (literal !== undefined) send(literal);
  else {
    const done = (found: Resolution): void => {
      const address = found instanceof Error ? undefined : found[0];
      if (address !== undefined) send(address);
    };
    env.resolver.resolve(uri, done, contact.source);
  }
}

/**
 * Whether a contact has not answered for too long. The time begins with the first request, since a contact that was
 * loaded from the database after a restart has not been pinged yet.
 */
function isSilent(env: ScriptEnvironment, { timeout }: ContactPings, answers: Answers, contact: Binding): boolean {
  const now = secondsNow(env);
  const since = answers.get(contact);
  if (since === undefined) answers.set(contact, now);
  return timeout > 0 && since !== undefined && now - since >= timeout;
}

function socketFor(env: ScriptEnvironment, { socket }: Binding, to: Address): SipSocket | undefined {
  return env.sockets.choose(to, socket === undefined ? undefined : env.socket(socket));
}

function datagram(env: ScriptEnvironment, contact: Binding, to: Address): void {
  socketFor(env, contact, to)?.send(EMPTY_DATAGRAM, to.address, to.port, undefined);
}

function request(
  env: ScriptEnvironment,
  { method, from, interval }: ContactPings,
  contact: Binding,
  to: Address,
  answered: () => void,
): void {
  const socket = socketFor(env, contact, to);
  if (socket === undefined) return;
  const { uri, path, ruid } = contact;
  const callId = `${env.random.token(16)}@${socket.address}`;
  const branch = env.layer.branches.make('u', callId);
  const route = path === undefined ? '' : `Route: ${splitList(path, ',').join(',')}\r\n`;
  const text = [
    `${method} ${uri} SIP/2.0\r\nVia: SIP/2.0/UDP ${socket.sentBy};branch=${branch.text}\r\n${route}`,
    `From: ${from};tag=${ruid}-${env.random.token(8)}\r\nTo: ${addrSpecOf(uri)}\r\nCall-ID: ${callId}\r\n`,
    `CSeq: 1 ${method}\r\nContent-Length: 0\r\n\r\n`,
  ].join('');
  const user = { onReply: answered, onFailure: () => undefined } as ClientUser;
  const target = { socket, address: to.address, port: to.port, serverName: to.name };
  const ms = Math.min(env.tm.frTimeout, interval * 1000);
  // Sent once: with retransmissions a peer could multiply what is sent to an address that it registers.
  if (method === 'INVITE') {
    const ring = { ms, left: ms, restarts: true };
    env.layer.request(text, true, branch, target, user, undefined, ms, ring);
  } else env.layer.requestOnce(text, branch, target, user, ms);
}
