import type { SetPlan } from '../set-plan.js';
import type { KamailioAlgorithm } from './algorithm.js';

/**
 * Whose turn it is; the turn goes to the one after it that is up. Moves on past the one really used, and by one place where
 * none is up (recorded).
 */
export function turn(plan: SetPlan, end: number): number {
  const { set } = plan;
  const size = set.destinations.length;
  const position = set.stepToActive(set.last % end, end);
  set.last = ((position < 0 ? set.last : position) + 1) % size;
  return Math.max(0, position);
}

/** 4: round robin. Weights play no part; a destination that is down is passed over, and nobody gets its turns twice. */
export const roundRobin: KamailioAlgorithm = {
  code: 4,
  name: 'round-robin',
  choose: (plan, _request, end) => turn(plan, end),
};
