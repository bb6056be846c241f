import type { SetPlan } from '../set-plan.js';
import type { KamailioAlgorithm } from './algorithm.js';

/**
 * The current position, or the next active one. Then it moves past the position used, or by one position if none is
 * active (recorded).
 */
export function nextPosition(plan: SetPlan, end: number): number {
  const { set } = plan;
  const size = set.destinations.length;
  const position = set.stepToActive(set.last % end, end);
  set.last = ((position < 0 ? set.last : position) + 1) % size;
  return Math.max(0, position);
}

/**
 * Algorithm 4: round robin without weights. A destination that is down is skipped, and its successor is
 * not chosen twice in a row because of that.
 */
export const roundRobin: KamailioAlgorithm = {
  code: 4,
  name: 'round-robin',
  choose: (plan, _request, end) => nextPosition(plan, end),
};
