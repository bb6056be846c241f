import type { Destination } from './destination.js';
import type { Targets } from './failover.js';

/** One set to choose from, and how. */
export interface SelectTarget {
  readonly setId: number;
  /** Algorithm code; with an unknown one nothing is selected ("strict": the first active destination, as recorded). */
  readonly algorithm: number;
  /** Bits of FLAG. */
  readonly flags: number;
  /** Targets kept for failover, the chosen one included and the default not; Infinity for all. */
  readonly maxResults: number;
}

/** Why nothing could be chosen. */
export type SelectFailure =
  | 'no such set'
  | 'no active destination'
  | 'all destinations are full'
  | 'unknown algorithm'
  | 'nothing to hash'
  | 'no room in the list';

/** A call that counts as load of its destination. It outlives the call: what is reported then has no effect. */
export interface CountedCall {
  /** The call goes to another destination (ds_next_dst). */
  moveTo(destination: Destination): void;
  /** The call was answered. */
  confirm(): void;
  /** The call has ended, or was never established. */
  end(): void;
  /** Whether it still counts. */
  readonly counts: boolean;
}

/**
 * A choice made in one set: the destination, and what follows it when flag f asked for it. `count` is the number of
 * targets kept, the chosen one and the default included; 0 without flag f.
 */
export interface Choice {
  readonly destination: Destination;
  readonly rest: Targets;
  readonly count: number;
  /** First destination of the list where it is not the chosen one (recorded of Kamailio's algorithm 13). */
  readonly head?: Destination | undefined;
  /** The call that now counts for the destination (Kamailio's call load); it follows where the targets go. */
  readonly call?: CountedCall | undefined;
  /** Further targets of the same request at the same time (Kamailio's algorithm 12). */
  readonly branches?: readonly Destination[] | undefined;
}
