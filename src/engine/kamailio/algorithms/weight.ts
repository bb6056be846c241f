import { NONE } from '../../compiled-set.js';
import type { Destination } from '../../destination.js';
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
 * 15: by weight= among those with the lowest priority number that has one up, as SRV records are; failover goes on with the
 * others of that priority, then with the next higher number. Lower is better here, unlike anywhere else.
 */
export const priorityThenWeight: KamailioAlgorithm = {
  code: 15,
  name: 'priority-weight',
  choose(plan, _request, end, _userOnly, env) {
    const position = plan.nextByLowestPriority(end, env.random);
    return position < 0 ? NONE : position;
  },
  order(plan, chosen, end) {
    const priorityOf = (position: number) => (plan.set.destinations[position] as Destination).row.priority;
    const others: number[] = [];
    for (let step = 1; step < end; step++) others.push((chosen + step) % end);
    others.sort((a, b) => priorityOf(a) - priorityOf(b));
    return Int32Array.of(chosen, ...others);
  },
};
