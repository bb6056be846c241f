import type { KamailioAlgorithm } from './algorithm.js';
import { nextPosition } from './round-robin.js';

/** 8: the first that is up, by priority. */
export const serial: KamailioAlgorithm = {
  code: 8,
  name: 'serial',
  choose: () => 0,
};

/** 12: all at once. The first that is up is the request's own target, the others are branches. */
export const parallel: KamailioAlgorithm = {
  code: 12,
  name: 'parallel',
  choose: () => 0,
};

/** 14: round robin where all destinations have one priority above 0; else the first that is up. */
export const roundRobinOrSerial: KamailioAlgorithm = {
  code: 14,
  name: 'round-robin-or-serial',
  choose: (plan, _request, end) => (plan.allOfOnePriority ? nextPosition(plan, end) : 0),
};
