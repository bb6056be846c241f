import type { Algorithm } from '../../algorithms/algorithm.js';

/** Algorithm 8: the first active destination. */
export const first: Algorithm = {
  code: 8,
  name: 'first',
  choose: (set, _request, end) => set.nextActive(0, end),
};
