import type { SelectEnv } from '../algorithms/algorithm.js';
import type { KamailioVersion, PartitionOptions } from '../options.js';
import type { LoadLedger } from './call-ledger.js';
import type { KamailioOptions } from './options.js';

/** What Kamailio's algorithms choose with. One object for the partition. */
export interface KamailioEnv extends SelectEnv {
  readonly partition: PartitionOptions;
  readonly options: KamailioOptions;
  readonly version: KamailioVersion;
  /** Calls in progress, for algorithm 10. */
  readonly calls: LoadLedger;
  /** Milliseconds, as Clock.monotonic(). */
  now(): number;
}
