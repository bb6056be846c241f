import { NONE } from '../../compiled-set.js';
import type { KamailioAlgorithm } from './algorithm.js';

/**
 * Algorithm 10: the destination with the fewest calls in progress that is below its maxload=. A request that does not
 * begin a call gets the first active destination and is not counted. As recorded, the default destination is a
 * candidate too, and when it would be chosen, the first destination of the set is used instead.
 */
export const callLoad: KamailioAlgorithm = {
  code: 10,
  name: 'call-load',
  choose(plan, request, end, _userOnly, env) {
    if (request.method !== undefined && request.method !== 'INVITE') return 0;
    if (plan.strict && env.options.hashSize === 0) {
      env.warn(env.partition.name, 'algorithm 10 without ds_hash_size: the first active destination is taken');
      return 0;
    }
    const position = plan.leastLoaded(plan.strict ? plan.set.destinations.length : end, env.calls);
    return position < 0 ? NONE : position % end;
  },
};
