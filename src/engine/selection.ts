import type { Destination } from './destination.js';
import type { Targets } from './failover.js';

/** A set to select from, and how. */
export interface SelectTarget {
  readonly setId: number;
  /**
   * Algorithm code. With an unknown one nothing is selected; a strict partition selects the first active destination,
   * as recorded.
   */
  readonly algorithm: number;
  /** Bits of FLAG. */
  readonly flags: number;
  /** Maximum number of targets kept for failover, including the chosen one, excluding the default; Infinity for all. */
  readonly maxResults: number;
}

/** Why nothing could be selected. */
export type SelectFailure =
  | 'no such set'
  | 'no active destination'
  | 'all destinations are full'
  | 'unknown algorithm'
  | 'nothing to hash'
  | 'the list is full'
  | 'a destination has no duid';

/** A call that counts as load of its destination. The object may be used after the call has ended, without effect. */
export interface CountedCall {
  /** Keeps other processes from counting calls until `leave`, for a choice that depends on the numbers of calls. */
  enter(): void;
  /** Lets other processes count again. */
  leave(): void;
  /** The call is sent to another destination (ds_next_dst). */
  moveTo(destination: Destination): void;
  /** The call was answered. */
  confirm(): void;
  /** The call has ended, or was not established. */
  end(): void;
  /** Whether the call still counts. */
  readonly counts: boolean;
}

/**
 * The result of a selection in one set: the destination and, with flag f, those that follow it. `count` is the number
 * of targets kept, including the chosen one and the default; 0 without flag f.
 */
export interface Choice {
  readonly destination: Destination;
  readonly rest: Targets;
  readonly count: number;
  /** First destination of the list, if it is not the chosen one (recorded for Kamailio's algorithm 13). */
  readonly head?: Destination | undefined;
  /** The call that now counts as the destination's load (Kamailio); it moves with failover. */
  readonly call?: CountedCall | undefined;
  /** Whether the selection failed after these destinations, which stay in the list (recorded). */
  readonly cut?: boolean | undefined;
  /** Further destinations to which the request is sent at the same time (Kamailio's algorithm 12). */
  readonly branches?: readonly Destination[] | undefined;
}
