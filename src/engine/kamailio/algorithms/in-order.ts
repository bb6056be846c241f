import type { KamailioAlgorithm } from './algorithm.js';
import { nextPosition } from './round-robin.js';

/** Algorithm 8: the first active one, by priority. */
export const serial: KamailioAlgorithm = {
  code: 8,
  name: 'serial',
  choose: () => 0,
};

/** Algorithm 12: all at once. The first active one is the request's own target, the others are branches. */
export const parallel: KamailioAlgorithm = {
  code: 12,
  name: 'parallel',
  choose: () => 0,
};

/** Algorithm 14: round robin if all destinations have the same priority above 0; otherwise the first active one. */
export const roundRobinOrSerial: KamailioAlgorithm = {
  code: 14,
  name: 'round-robin-or-serial',
  choose: (plan, _request, end) => (plan.allOfOnePriority ? nextPosition(plan, end) : 0),
};
