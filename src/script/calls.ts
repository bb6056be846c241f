import { parseUri } from '../core/uri.js';
import type { Destination } from '../engine/destination.js';
import type { Partition } from '../engine/partition.js';
import type { SipMessage } from '../sip/message.js';
import type { ResolvedTarget } from '../sip/target.js';
import type { Source } from '../sip/transport/transport.js';

/** One target of a request. All events about it get the same object. */
export interface CallHop {
  readonly uri: string;
  readonly requestUri: string;
  /** The destination of a set that it was made from; undefined for a plain URI. */
  readonly destination: Destination | undefined;
}

/** Receives the events of one relayed request. Must not throw. */
export interface CallFollower {
  sent(hop: CallHop, target: ResolvedTarget): void;
  /** A provisional reply above 100. */
  provisional(hop: CallHop, code: number): void;
  failed(hop: CallHop, failure: { readonly code: number; readonly local: boolean; readonly cause?: string }): void;
  /** The caller sent CANCEL. */
  cancelled(): void;
  /** The caller got its final reply; `hop` is given when a target sent it and it is a 2xx. */
  ended(code: number, hop: CallHop | undefined): void;
}

/** Partition and sets of a selection. */
export interface WantedSets {
  readonly partition: string;
  readonly sets: readonly number[];
}

/** Receives the outcome of requests, for call records and metrics. Called on the hot path; must not throw. */
export interface CallObserver {
  /** A request was received that is no retransmission; not called for ACK and CANCEL. */
  received(message: SipMessage): void;
  /** A request is forwarded for the first time. `partition`: the one that selected its destination, if any. */
  relayed(
    message: SipMessage,
    source: Source,
    partition: string | undefined,
    recordRoute: boolean,
  ): CallFollower | undefined;
  /** It is forwarded to a further target after a failure. */
  failedOver(): void;
  /**
   * This proxy sent a final reply to a request that was not forwarded. `unsuccessful`: the sets in which its last
   * selection found no destination.
   */
  refused(message: SipMessage, source: Source, code: number, reason: string, unsuccessful?: WantedSets): void;
  /** The caller got a final reply. */
  answered(code: number): void;
  /** A pending call was cancelled. */
  cancelled(): void;
}

/**
 * The destination that a target URI was made from: `current`, which was selected last, or another one of its set with
 * the target's address. The latter happens with parallel branches, each of which has a destination.
 */
export function destinationOf(
  partition: Partition | undefined,
  current: Destination | undefined,
  uri: string,
): Destination | undefined {
  if (partition === undefined || current === undefined) return undefined;
  if (current.row.uri === uri) return current;
  const wanted = parseUri(uri);
  const own = parseUri(current.row.uri);
  if (wanted === undefined || own === undefined) return undefined;
  if (own.host === wanted.host && own.port === wanted.port) return current;
  return partition
    .destinationsAt(wanted.host.replace(/^\[(.*)\]$/, '$1'))
    .find(({ setId, row }) => setId === current.setId && parseUri(row.uri)?.port === wanted.port);
}
