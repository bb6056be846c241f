import { hash32 } from '../core/mix.js';

/** A node that may own something, and its share. */
export interface Candidate {
  readonly name: string;
  /** Above 0. */
  readonly weight: number;
}

/**
 * The nodes in the order in which they own `key`: weighted rendezvous hashing, as algorithm 100. A node that goes leaves
 * its keys to all others alike and moves no other; the same node back takes the same keys, since its name alone counts.
 */
export function rankOwners(key: string, candidates: readonly Candidate[]): readonly string[] {
  return candidates
    .map(({ name, weight }) => ({ name, lot: lotOf(key, name, weight) }))
    .sort((a, b) => a.lot - b.lot || (a.name < b.name ? -1 : 1))
    .map(({ name }) => name);
}

/** The first of `rankOwners`; undefined without candidates. */
export function ownerOf(key: string, candidates: readonly Candidate[]): string | undefined {
  let best: string | undefined;
  let lowest = Number.POSITIVE_INFINITY;
  for (const { name, weight } of candidates) {
    const lot = lotOf(key, name, weight);
    if (lot < lowest || (lot === lowest && best !== undefined && name < best)) {
      best = name;
      lowest = lot;
    }
  }
  return best;
}

/** The lower the better: exponentially distributed with rate `weight`, so the chance to be lowest is by weight. */
function lotOf(key: string, name: string, weight: number): number {
  const draw = (mix(hash32(key, mix(hash32(name, 0x9e3779b1)))) + 0.5) / 0x1_0000_0000;
  return -Math.log(draw) / weight;
}

/** MurmurHash3's finalizer: every bit of the input changes half of the output. */
function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
