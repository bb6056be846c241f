import type { Algorithm } from '../../algorithms/algorithm.js';

/** 8: the first destination that is active. */
export const first: Algorithm = {
  code: 8,
  name: 'first',
  choose: (set, _request, end) => set.nextActive(0, end),
};
