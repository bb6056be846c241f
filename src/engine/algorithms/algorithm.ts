import type { Random } from '../../core/random.js';
import type { CompiledSet } from '../compiled-set.js';
import type { PartitionOptions } from '../options.js';
import type { RequestView } from '../request-view.js';
import type { SharedLoads } from '../shared-loads.js';

/**
 * The request lacks what the algorithm needs (a From URI, the value of hash_pvar): the selection fails, even with flag
 * d.
 */
export const MISSING_INPUT = -2;

/** The functions and data from outside that selections need; one object for the whole engine. */
export interface SelectEnv {
  readonly random: Random;
  /** Reports an unknown algorithm or a missing hash_pvar. Called while calls are routed, so it must be fast. */
  warn(partition: string, message: string): void;
  /** Set where several processes count the calls at each destination together. */
  loads?: SharedLoads | undefined;
}

/** Flags of a selection, as bits. */
export const FLAG = {
  /** f: keep the other destinations of the set, for ds_next_dst. */
  failover: 1,
  /** u: hash only the user part. */
  userOnly: 2,
  /** d: the last destination is the default and is tried last. */
  useDefault: 4,
  /** s: do nothing when a destination has already been set. */
  keepSet: 8,
  /** a: add to the existing list instead of replacing it. */
  append: 16,
} as const;

/**
 * A selection algorithm. `end` is the number of positions that it may choose from: all but the default destination. The
 * other destinations follow the chosen one by position, unless `order` gives another order.
 */
export interface Algorithm {
  readonly code: number;
  readonly name: string;
  /**
   * Returns the chosen active position; NONE when no position before `end` is usable; MISSING_INPUT when the request
   * lacks what is needed.
   */
  choose(
    set: CompiledSet,
    request: RequestView,
    end: number,
    flags: number,
    partition: PartitionOptions,
    env: SelectEnv,
  ): number;
  /** For algorithms that rank: all candidates, best first; the first one is the choice. Empty when there is none. */
  order?(set: CompiledSet, request: RequestView, end: number, partition: PartitionOptions): Int32Array;
  /** Whether `choose` needs the complete `order`. Otherwise `order` is called only when a call fails over. */
  readonly ranks?: boolean;
  /** Whether round robin counts the choices of this algorithm. */
  readonly countsChoices?: boolean;
}
