import { NONE } from '../../compiled-set.js';
import type { KamailioAlgorithm } from './algorithm.js';

/** Algorithm 9: shares by weight=, exact over each round of the table. */
export const byWeight: KamailioAlgorithm = {
  code: 9,
  name: 'weight',
  choose: (plan, _request, end, _userOnly, env) => plan.nextByWeight(end, env.random),
};

/** Algorithm 11: shares by rweight=, among the active destinations. */
export const byRelativeWeight: KamailioAlgorithm = {
  code: 11,
  name: 'relative-weight',
  choose: (plan, _request, end, _userOnly, env) => plan.nextByRelativeWeight(end, env.random),
};

/**
 * Algorithm 15: by weight= among the active destinations with the lowest priority number. Only here a lower number is
 * better. Failover follows the positions (recorded).
 */
export const priorityThenWeight: KamailioAlgorithm = {
  code: 15,
  name: 'priority-weight',
  choose(plan, _request, end, _userOnly, env) {
    const position = plan.nextByLowestPriority(end, env.random);
    return position < 0 ? NONE : position;
  },
};
