import type { SelectEnv } from '../algorithms/algorithm.js';
import type { KamailioVersion, PartitionOptions } from '../options.js';
import type { CallsInProgress } from './calls.js';
import type { KamailioOptions } from './options.js';

/** What Kamailio's algorithms need; one object for each partition. */
export interface KamailioEnv extends SelectEnv {
  readonly partition: PartitionOptions;
  readonly options: KamailioOptions;
  readonly version: KamailioVersion;
  /** Calls in progress, for algorithm 10. */
  readonly calls: CallsInProgress;
  /** Clock.monotonic(), in milliseconds. */
  now(): number;
}
