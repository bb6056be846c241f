import type { Algorithm } from '../../algorithms/algorithm.js';

/**
 * 4: weighted round robin: each destination `weight` times in a row, going on where any algorithm last chose in this
 * set. The next destination that is up replaces one that is down; no share of traffic is kept for it.
 */
export const roundRobin: Algorithm = {
  code: 4,
  name: 'round-robin',
  countsChoices: true,
  choose: (set, _request, end) => set.stepToActive(set.roundRobin(end), end),
};
