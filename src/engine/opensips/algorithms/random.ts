import type { Algorithm } from '../../algorithms/algorithm.js';

/** Algorithm 6: random, with probabilities by weight. */
export const random: Algorithm = {
  code: 6,
  name: 'random',
  choose: (set, _request, end, _flags, _partition, env) => set.byHash(env.random.uint32(), end),
};
