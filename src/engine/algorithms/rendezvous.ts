import { trimmed } from '../../core/characters.js';
import { type CompiledSet, NONE } from '../compiled-set.js';
import type { Destination } from '../destination.js';
import { dispatcherHash } from '../hash.js';
import { weightOf } from '../weight.js';
import { type Algorithm, MISSING_INPUT } from './algorithm.js';
import { rank } from './rank.js';

/**
 * Algorithm 100 (our own, not in OpenSIPS): weighted rendezvous hashing of hash_pvar if it is set, else of the Call-ID.
 * Each destination gets a score from the key, its URI and its weight; the best score wins, and failover follows the
 * scores. When a destination goes down or its row is removed, its calls spread over all others by weight, and no other
 * call moves. A new destination takes its share equally from all. The cost is one hash per active destination. Thaler,
 * Ravishankar: "Using name-based mappings to increase hit rates" (1998); weights as by Schindelhauer, Schomaker (2005).
 */
export const rendezvous: Algorithm = {
  code: 100,
  name: 'rendezvous',
  choose(set, request, end, _flags, partition) {
    const key = keyOf(request.hashVar(partition.name), request.callId);
    if (key === '') return MISSING_INPUT;
    const seeds = seedsOf(set);
    const hash = dispatcherHash(key);
    let best = NONE;
    let lowest = Number.POSITIVE_INFINITY;
    for (let i = set.nextActive(0, end); i !== NONE; i = set.nextActive(i + 1, end)) {
      const lot = rankingScore(hash, seeds[i] as number, weightOf(set.destinations[i] as Destination));
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
    return rank(set, end, (i) => rankingScore(hash, seeds[i] as number, weightOf(set.destinations[i] as Destination)));
  },
};

function keyOf(variable: string | undefined, callId: string): string {
  return variable === undefined ? callId : trimmed(variable);
}

/**
 * The score; the lowest is best. It is exponentially distributed with rate `weight`, so a destination wins in
 * proportion to its weight.
 */
function rankingScore(hash: number, seed: number, weight: number): number {
  const draw = (mix((hash ^ seed) | 0) + 0.5) / 0x1_0000_0000;
  return -Math.log(draw) / weight;
}

/**
 * A bijection of 32-bit numbers: each bit of the input changes each bit of the output with probability 1/2
 * (MurmurHash3's finalizer).
 */
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
