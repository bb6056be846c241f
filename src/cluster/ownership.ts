import { hash32 } from '../core/mix.js';

/** A node that may own something, and its weight. */
export interface Candidate {
  readonly name: string;
  /** Must be above 0. */
  readonly weight: number;
}

/**
 * The nodes in the order in which they own `key`: weighted rendezvous hashing, as in algorithm 100. When a node goes,
 * its keys are distributed over all others and no other key moves. When it comes back it owns the same keys again,
 * since only its name counts.
 */
export function rankOwners(key: string, candidates: readonly Candidate[]): readonly string[] {
  return candidates
    .map(({ name, weight }) => ({ name, lot: rankingScore(key, name, weight) }))
    .sort((a, b) => a.lot - b.lot || (a.name < b.name ? -1 : 1))
    .map(({ name }) => name);
}

/** The first node of `rankOwners`; undefined without candidates. */
export function ownerOf(key: string, candidates: readonly Candidate[]): string | undefined {
  let best: string | undefined;
  let lowest = Number.POSITIVE_INFINITY;
  for (const { name, weight } of candidates) {
    const lot = rankingScore(key, name, weight);
    if (lot < lowest || (lot === lowest && best !== undefined && name < best)) {
      best = name;
      lowest = lot;
    }
  }
  return best;
}

/**
 * The score; the lowest is best. It is exponentially distributed with rate `weight`, so a node wins in proportion to
 * its weight.
 */
function rankingScore(key: string, name: string, weight: number): number {
  const draw = (mix(hash32(key, mix(hash32(name, 0x9e3779b1)))) + 0.5) / 0x1_0000_0000;
  return -Math.log(draw) / weight;
}

/** MurmurHash3's finalizer: each bit of the input changes each bit of the output with probability 1/2. */
function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
