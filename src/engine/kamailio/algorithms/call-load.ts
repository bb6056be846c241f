import { NONE } from '../../compiled-set.js';
import type { KamailioAlgorithm } from './algorithm.js';

/**
 * 10: the destination with the fewest calls in progress, below its maxload=. Requests that begin no call take the first
 * that is up and count nothing. As recorded, the default destination is a candidate, and when it is chosen the first of
 * the set is used instead.
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
    const position = plan.leastLoaded(plan.strict ? plan.set.destinations.length : end);
    return position < 0 ? NONE : position % end;
  },
};
