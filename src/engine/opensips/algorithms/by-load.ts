import type { Algorithm } from '../../algorithms/algorithm.js';
import { rank } from '../../algorithms/rank.js';
import { NONE } from '../../compiled-set.js';
import type { Destination } from '../../destination.js';

/** Algorithm 9: the destination with the least load, which is the value of pvar_algo_pattern; null counts as 0. */
export const byLoad: Algorithm = {
  code: 9,
  name: 'by-load',
  ranks: true,
  choose(set, request, end, _flags, partition) {
    return this.order?.(set, request, end, partition)[0] ?? NONE;
  },
  order(set, request, end, partition) {
    return rank(set, end, (position) => {
      const { row, setId } = set.destinations[position] as Destination;
      return request.loadOf(partition.name, row.uri, setId) ?? 0;
    });
  },
};

/**
 * Algorithm 10: the destination to which algo_route gives the lowest score. Those with a negative score are never
 * chosen first and come last in failover, in reverse order. Without algo_route all scores are equal.
 */
export const byScore: Algorithm = {
  code: 10,
  name: 'by-score',
  ranks: true,
  choose(set, request, end, _flags, partition) {
    return this.order?.(set, request, end, partition)[0] ?? NONE;
  },
  order(set, request, end, partition) {
    const excluded: number[] = [];
    const ranked = rank(set, end, (position) => {
      const { row, health } = set.destinations[position] as Destination;
      const score = request.scoreOf(partition.name, row.uri, row.attrs, health.scriptAttrs) ?? 1;
      if (score >= 0) return score;
      excluded.push(position);
      return undefined;
    });
    if (excluded.length === 0 || ranked.length === 0) return ranked;
    const all = new Int32Array(ranked.length + excluded.length);
    all.set(ranked);
    all.set(excluded.reverse(), ranked.length);
    return all;
  },
};
