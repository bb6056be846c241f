import type { RequestView } from '../../request-view.js';
import type { KamailioEnv } from '../environment.js';
import type { SetPlan } from '../set-plan.js';

/**
 * A selection algorithm. `end` is the number of positions that it may choose from: all but the default destination. The
 * other destinations follow the chosen one by position, unless `order` gives another order.
 */
export interface KamailioAlgorithm {
  readonly code: number;
  readonly name: string;
  /**
   * Returns a position from 0 to `end` - 1; if it is down, the next active one is used. NONE: no destination may get
   * this call; MISSING_INPUT: the request lacks what is needed.
   */
  choose(plan: SetPlan, request: RequestView, end: number, userOnly: boolean, env: KamailioEnv): number;
  /**
   * All positions before `end` in the order of failover, the chosen one first. Positions that are down may be included.
   */
  order?(plan: SetPlan, chosen: number, end: number, request: RequestView, env: KamailioEnv): Int32Array;
}
