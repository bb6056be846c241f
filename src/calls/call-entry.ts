import { addrSpecOf } from '../core/name-addr.js';
import { parseMessage } from '../sip/message.js';
import { hostPort } from '../sip/transport/transport.js';
import type { CallRecord, CallTry, HungUp } from './call-record.js';
import { type Privacy, shownUri } from './privacy.js';

/** One hop of a call record as it is shown. Times in milliseconds. */
export type TryEntry = {
  readonly destination: string;
  readonly partition?: string;
  readonly set?: number;
  /** "udp:10.0.0.2:5060"; absent where nothing was sent. */
  readonly address?: string;
  /** Final code; absent where none came or was decided. */
  readonly code?: number;
  /** Whether the code is the proxy's own: nothing final was received. */
  readonly local?: true;
  /** "timeout", "refused", "tls", "dns", "send", "cancelled", "blacklisted", "no tls" */
  readonly cause?: string;
  /** When it was begun, since the request came. */
  readonly after_ms: number;
  /** From sending to its end. */
  readonly ms?: number;
  /** From sending to its first reply above 100. */
  readonly first_ms?: number;
};

/** A call record as it is shown, published and written: schemas/calls/call-record.schema.json. */
export type CallEntry = {
  /** Grows with each record that is new or has changed. */
  readonly seq: number;
  /** When the request came, ISO 8601. */
  readonly time: string;
  readonly node: string;
  readonly method: string;
  readonly call_id: string;
  readonly from: string;
  readonly to: string;
  readonly ruri: string;
  /** "udp:10.0.0.1:5060" */
  readonly source: string;
  readonly partition?: string;
  readonly sets?: readonly number[];
  readonly algorithm?: number;
  /** Pointer of the rule, or "script". */
  readonly rule?: string;
  readonly tries: readonly TryEntry[];
  /** Hops beyond those listed. */
  readonly more_tries?: number;
  /** Final code the caller got; 0 where the request was forwarded without state. */
  readonly code: number;
  /** Forwarded without state: its replies were not followed. */
  readonly stateless?: true;
  /** Why nothing was dispatched, or what ended the request. */
  readonly reason?: string;
  readonly cancelled?: true;
  /** From the request to its final reply. */
  readonly ms: number;
  /** From the request to its first 18x. */
  readonly ring_ms?: number;
  /** Whether the call is answered, stays in the path and goes on. */
  readonly in_progress?: true;
  readonly duration_ms?: number;
  readonly hung_up?: HungUp;
};

/** A record as it is shown. */
export function callEntry(record: CallRecord, node: string, privacy: Privacy): CallEntry {
  const message = parseMessage(record.text);
  const { origin, source, tries } = record;
  const ruri = message?.requestUri ?? '';
  const partition = origin?.partition ?? tries.find((each) => each.partition !== undefined)?.partition;
  const sets = origin?.sets ?? [...new Set(tries.map((each) => each.set).filter((set) => set >= 0))];
  const reason = origin?.failure ?? (record.reason === '' ? undefined : record.reason);
  return {
    seq: record.changed,
    time: new Date(record.time).toISOString(),
    node,
    method: message?.method ?? '',
    call_id: message?.callId ?? '',
    from: shownUri(addrSpecOf(message?.from ?? ''), privacy),
    to: shownUri(addrSpecOf(message?.to ?? ''), privacy),
    ruri: shownUri(ruri, privacy),
    source: `${record.transport}:${hostPort(source.address, source.port)}`,
    ...(partition === undefined ? {} : { partition }),
    ...(sets.length === 0 ? {} : { sets }),
    ...(origin?.algorithm === undefined ? {} : { algorithm: origin.algorithm }),
    ...(origin === undefined || origin.rule === '' ? {} : { rule: origin.rule }),
    tries: tries.map((each) => tryEntry(each, privacy)),
    ...(record.moreTries === 0 ? {} : { more_tries: record.moreTries }),
    code: record.code,
    ...(record.stateless ? { stateless: true } : {}),
    ...(reason === undefined ? {} : { reason }),
    ...(record.wasCancelled ? { cancelled: true } : {}),
    ms: rounded(record.end),
    ...(record.ringing < 0 ? {} : { ring_ms: rounded(record.ringing) }),
    ...(record.inDialog ? { in_progress: true } : {}),
    ...(record.duration < 0 ? {} : { duration_ms: Math.round(record.duration) }),
    ...(record.hungUp === undefined ? {} : { hung_up: record.hungUp }),
  };
}

function tryEntry(each: CallTry, privacy: Privacy): TryEntry {
  const cause = each.passedOver ? (each.code === 473 ? 'blacklisted' : 'no tls') : each.cause;
  return {
    destination: shownUri(each.uri, privacy),
    ...(each.partition === undefined ? {} : { partition: each.partition }),
    ...(each.set < 0 ? {} : { set: each.set }),
    ...(each.port === 0 ? {} : { address: `${each.transport}:${hostPort(each.address, each.port)}` }),
    ...(each.code === 0 ? {} : { code: each.code }),
    ...(each.local ? { local: true } : {}),
    ...(cause === undefined ? {} : { cause }),
    after_ms: rounded(each.at),
    ...(each.end < 0 ? {} : { ms: rounded(each.end - each.at) }),
    ...(each.first < 0 ? {} : { first_ms: rounded(each.first - each.at) }),
  };
}

/** Milliseconds with one decimal. */
function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
