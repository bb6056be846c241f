import type { FlavourName } from '../engine/options.js';

/** Algorithms whose choice depends on what is shared and on the request alone, by flavour. */
export const ALGORITHMS_OF_WORKERS = {
  /** Hashes, round robin, random, the first, and rendezvous: not the load and the score (9, 10). */
  opensips: new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 100]),
  /** Not by calls (10), latency and congestion (13, 64), priority and weight (15), nor all at once (12). */
  kamailio: new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 14, 100]),
} as const satisfies Readonly<Record<FlavourName, ReadonlySet<number>>>;
