import { NONE } from '../../compiled-set.js';
import type { KamailioEnv } from '../environment.js';
import type { KamailioLive } from '../live.js';
import type { KamailioAlgorithm } from './algorithm.js';

/**
 * Algorithm 64: round robin over the destinations, considering their overload reports. One that reported a rate of n
 * percent is skipped in n of 100 decisions, evenly, until the report expires. When all are skipped, the call is
 * refused.
 */
export const overloadControl: KamailioAlgorithm = {
  code: 64,
  name: 'overload-control',
  choose(plan, _request, end, _userOnly, env) {
    const { set } = plan;
    for (let step = 0; step < end; step++) {
      const position = set.stepToActive(set.last % end, end);
      if (position < 0) return 0;
      set.last = (position + 1) % end;
      if (!passes(plan.lives[position] as KamailioLive, env)) {
        return position;
      }
    }
    return NONE;
  },
};

/** Counts a decision about a destination; returns whether this call skips it. */
function passes({ overload }: KamailioLive, env: KamailioEnv): boolean {
  if (overload === undefined || env.now() >= overload.until) return false;
  overload.decisions = (overload.decisions + 1) % 100;
  overload.debt += overload.rate;
  if (overload.debt < 100) return false;
  overload.debt -= 100;
  return true;
}
