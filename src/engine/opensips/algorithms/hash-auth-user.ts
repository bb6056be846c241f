import type { Algorithm } from '../../algorithms/algorithm.js';
import { dispatcherHash } from '../../hash.js';
import { roundRobin } from './round-robin.js';

/**
 * Algorithm 5: hash of the digest user name. Without usable credentials: round robin, as documented; a strict partition
 * keeps the destination chosen last, as recorded.
 */
export const hashAuthUser: Algorithm = {
  code: 5,
  name: 'hash-auth-user',
  choose(set, request, end, flags, partition, env) {
    const user = request.authUsername;
    if (user !== undefined && user !== '') return set.byHash(dispatcherHash(user), end);
    if (partition.compat === 'strict') return set.stepToActive(set.last, end);
    const chosen = roundRobin.choose(set, request, end, flags, partition, env);
    if (chosen >= 0) set.countChoice(chosen);
    return chosen;
  },
};
