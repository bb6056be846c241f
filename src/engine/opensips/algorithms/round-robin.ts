import type { Algorithm } from '../../algorithms/algorithm.js';

/**
 * Algorithm 4: weighted round robin: each destination `weight` times in a row, continuing after the last choice of any
 * algorithm in this set. The next active destination replaces one that is down, which gets no extra share when it
 * returns.
 */
export const roundRobin: Algorithm = {
  code: 4,
  name: 'round-robin',
  countsChoices: true,
  choose: (set, _request, end) => set.stepToActive(set.roundRobin(end), end),
};
