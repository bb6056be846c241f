import type { RequestView } from '../../request-view.js';
import type { KamailioEnv } from '../environment.js';
import type { SetPlan } from '../set-plan.js';

/**
 * One way of choosing. `end` is the number of positions that take part: the default destination does not.
 * The rest of the set follows the chosen position in order, unless `order` gives its own.
 */
export interface KamailioAlgorithm {
  readonly code: number;
  readonly name: string;
  /**
   * The candidate, 0 to `end` - 1: when it is down the next active one is taken. NONE: no destination may take this
   * call; UNCOMPUTABLE: the request lacks what is needed.
   */
  choose(plan: SetPlan, request: RequestView, end: number, userOnly: boolean, env: KamailioEnv): number;
  /** All positions before `end` in the order of failover, the chosen one first; down ones may be among them. */
  order?(plan: SetPlan, chosen: number, end: number, request: RequestView, env: KamailioEnv): Int32Array;
}
