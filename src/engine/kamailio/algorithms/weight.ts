import { NONE } from '../../compiled-set.js';
import type { KamailioAlgorithm } from './algorithm.js';

/** 9: shares by weight=, exact over each round of the table. */
export const byWeight: KamailioAlgorithm = {
  code: 9,
  name: 'weight',
  choose: (plan, _request, end, _userOnly, env) => plan.nextByWeight(end, env.random),
};

/** 11: shares by rweight=, over those that are up. */
export const byRelativeWeight: KamailioAlgorithm = {
  code: 11,
  name: 'relative-weight',
  choose: (plan, _request, end, _userOnly, env) => plan.nextByRelativeWeight(end, env.random),
};

/**
 * 15: by weight= among those with the lowest priority number that has one up. Lower is better here, unlike anywhere else.
 * Failover goes on in order of position (recorded).
 */
export const priorityThenWeight: KamailioAlgorithm = {
  code: 15,
  name: 'priority-weight',
  choose(plan, _request, end, _userOnly, env) {
    const position = plan.nextByLowestPriority(end, env.random);
    return position < 0 ? NONE : position;
  },
};
