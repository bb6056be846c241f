import { addrSpecOf } from '../core/name-addr.js';
import { parseMessage } from '../sip/parse-message.js';
import { hostPort } from '../sip/transport/transport.js';
import type { CallEntry, TryEntry } from './call-entry-types.js';
import type { CallRecord, RecordedTry } from './call-record.js';
import { type Privacy, shownUri } from './privacy.js';

/** Makes the shown form of a record. */
export function callEntry(record: CallRecord, node: string, privacy: Privacy): CallEntry {
  const message = parseMessage(record.text);
  const { origin, tries } = record;
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
    source: `${record.transport}:${hostPort(record.address, record.port)}`,
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

function tryEntry(each: RecordedTry, privacy: Privacy): TryEntry {
  const cause = each.skipped ? (each.code === 473 ? 'blacklisted' : 'no tls') : each.cause;
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
