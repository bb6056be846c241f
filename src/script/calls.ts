import { parseUri } from '../core/uri.js';
import type { Destination } from '../engine/destination.js';
import type { Partition } from '../engine/partition.js';
import type { SipMessage } from '../sip/message.js';
import type { ResolvedTarget } from '../sip/target.js';
import type { Source } from '../sip/transport/transport.js';

/** One target of a request. The same object in all that is reported about it. */
export interface CallHop {
  readonly uri: string;
  readonly requestUri: string;
  /** The destination of a set it stands for; undefined for a plain URI. */
  readonly destination: Destination | undefined;
}

/** Follows one relayed request. Must not throw. */
export interface CallFollower {
  sent(hop: CallHop, target: ResolvedTarget): void;
  /** A provisional reply above 100. */
  provisional(hop: CallHop, code: number): void;
  failed(hop: CallHop, failure: { readonly code: number; readonly local: boolean; readonly cause?: string }): void;
  /** The caller gave up. */
  cancelled(): void;
  /** The caller got its final reply; from `hop` when that is a 2xx. */
  ended(code: number, hop: CallHop | undefined): void;
}

/** What a selection asked for. */
export interface WantedSets {
  readonly partition: string;
  readonly sets: readonly number[];
}

/** What becomes of requests, for call records and figures. On the hot path; must not throw. */
export interface CallObserver {
  /** A request came that is no copy: ACK and CANCEL left out. */
  received(message: SipMessage): void;
  /** A request is sent on for the first time. `partition`: where it was dispatched from, if it was. */
  relayed(
    message: SipMessage,
    source: Source,
    partition: string | undefined,
    recordRoute: boolean,
  ): CallFollower | undefined;
  /** It goes on to a further target. */
  failedOver(): void;
  /** A final reply of our own to a request that was not sent on; `inVain`: what its last selection found nothing for. */
  refused(message: SipMessage, source: Source, code: number, reason: string, inVain?: WantedSets): void;
  /** The caller got a final reply. */
  answered(code: number): void;
  /** A CANCEL of a call under way. */
  cancelled(): void;
}

/**
 * The destination a target stands for: `current`, which was selected last, or another one of its set with that address: parallel
 * branches go to a destination each.
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
