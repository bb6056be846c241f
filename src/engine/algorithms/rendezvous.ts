import { type CompiledSet, NONE } from '../compiled-set.js';
import type { Destination } from '../destination.js';
import { dispatcherHash } from '../hash.js';
import { weightOf } from '../weight.js';
import { type Algorithm, UNCOMPUTABLE } from './algorithm.js';
import { rank } from './rank.js';

/**
 * 100 (ours, not OpenSIPS'): weighted rendezvous hashing over hash_pvar where it is set, else over the Call-ID. Every
 * destination gets a score from the key and its own URI; the best by weight wins. When one goes down or its row is
 * removed its calls spread over all others by weight and no other call moves; a new one takes its share from all alike.
 * The order of failover is that of the scores. Costs one hash for each active destination.
 * Thaler, Ravishankar: "Using name-based mappings to increase hit rates" (1998); weights as by Schindelhauer, Schomaker (2005).
 */
export const rendezvous: Algorithm = {
  code: 100,
  name: 'rendezvous',
  choose(set, request, end, _flags, partition) {
    const key = keyOf(request.hashVar(partition.name), request.callId);
    if (key === '') return UNCOMPUTABLE;
    const seeds = seedsOf(set);
    const hash = dispatcherHash(key);
    let best = NONE;
    let lowest = Number.POSITIVE_INFINITY;
    for (let i = set.nextActive(0, end); i !== NONE; i = set.nextActive(i + 1, end)) {
      const lot = lotOf(hash, seeds[i] as number, weightOf(set.destinations[i] as Destination));
      if (best === NONE || lot < lowest) {
        best = i;
        lowest = lot;
      }
    }
    return best;
  },
  order(set, request, end, partition) {
    const key = keyOf(request.hashVar(partition.name), request.callId);
    if (key === '') return new Int32Array(0);
    const seeds = seedsOf(set);
    const hash = dispatcherHash(key);
    return rank(set, end, (i) => lotOf(hash, seeds[i] as number, weightOf(set.destinations[i] as Destination)));
  },
};

function keyOf(variable: string | undefined, callId: string): string {
  return variable === undefined ? callId : variable.trim();
}

/** The lower the better: exponentially distributed with rate `weight`, so the chance to be lowest is by weight. */
function lotOf(hash: number, seed: number, weight: number): number {
  const draw = (mix((hash ^ seed) | 0) + 0.5) / 0x1_0000_0000;
  return -Math.log(draw) / weight;
}

/** A bijection of 32-bit numbers in which every bit of the input flips half of the output (MurmurHash3's finalizer). */
function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

const seedsBySet = new WeakMap<CompiledSet, Int32Array>();

function seedsOf(set: CompiledSet): Int32Array {
  let seeds = seedsBySet.get(set);
  if (seeds === undefined) {
    seeds = Int32Array.from(set.destinations, ({ row }) => mix(dispatcherHash(row.uri, row.socket)) | 0);
    seedsBySet.set(set, seeds);
  }
  return seeds;
}
