import type { SetPlan } from '../set-plan.js';
import type { KamailioAlgorithm } from './algorithm.js';

/**
 * The current position, or the next one that is up. Advances past the position really used, and by one position where
 * none is up (recorded).
 */
export function nextPosition(plan: SetPlan, end: number): number {
  const { set } = plan;
  const size = set.destinations.length;
  const position = set.stepToActive(set.last % end, end);
  set.last = ((position < 0 ? set.last : position) + 1) % size;
  return Math.max(0, position);
}

/**
 * 4: round robin. Weights play no part; a destination that is down is passed over, and its successor is not chosen
 * twice in a row for that.
 */
export const roundRobin: KamailioAlgorithm = {
  code: 4,
  name: 'round-robin',
  choose: (plan, _request, end) => nextPosition(plan, end),
};
