import type { Random } from '../../core/random.js';
import type { CompiledSet } from '../compiled-set.js';
import type { PartitionOptions } from '../options.js';
import type { RequestView } from '../request-view.js';

/** The request lacks what the algorithm needs (a From URI, the hash_pvar): the selection fails, flag d or not. */
export const UNCOMPUTABLE = -2;

/** What selections need from outside. One object for the whole engine. */
export interface SelectEnv {
  readonly random: Random;
  /** Reports an unknown algorithm number, a missing hash_pvar. Must be cheap: it is called while calls are routed. */
  warn(partition: string, message: string): void;
}

/** Flags of a call, as bits. */
export const FLAG = {
  /** f: keep the rest of the set for ds_next_dst. */
  failover: 1,
  /** u: hash over the user part only. */
  userOnly: 2,
  /** d: the last destination is the default, tried last. */
  useDefault: 4,
  /** s: leave a destination that is already set alone. */
  keepSet: 8,
  /** a: add to the existing list instead of replacing it. */
  append: 16,
} as const;

/**
 * One way of choosing. `end` is the number of positions that take part: the default destination does not. The rest of the
 * set follows the chosen position in order, unless `order` gives its own.
 */
export interface Algorithm {
  readonly code: number;
  readonly name: string;
  /** The active position chosen; NONE when nothing usable is left before `end`; UNCOMPUTABLE. */
  choose(
    set: CompiledSet,
    request: RequestView,
    end: number,
    flags: number,
    partition: PartitionOptions,
    env: SelectEnv,
  ): number;
  /** All candidates, best first, for algorithms that rank; the first is the choice. Empty when there is none. */
  order?(set: CompiledSet, request: RequestView, end: number, partition: PartitionOptions): Int32Array;
  /** The choice itself takes the whole `order`; otherwise that is only asked for when a call fails over. */
  readonly ranks?: boolean;
  /** Whether a choice counts for round robin. */
  readonly countsChoices?: boolean;
}
