import type { FlavourName } from '../engine/options.js';

/** Algorithms whose choice depends only on shared data and on the request, by flavour. */
export const ALGORITHMS_OF_WORKERS = {
  /** Hashes, round robin, random, the first one, and rendezvous; not those by load and score (9, 10). */
  opensips: new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 100]),
  /** All but those by latency and overload (13, 64), by priority and weight (15), and parallel forking (12). */
  kamailio: new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 100]),
} as const satisfies Readonly<Record<FlavourName, ReadonlySet<number>>>;
