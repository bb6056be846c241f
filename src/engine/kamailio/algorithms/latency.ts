import { NONE } from '../../compiled-set.js';
import type { Destination } from '../../destination.js';
import type { KamailioAttributes } from '../attributes.js';
import type { KamailioLive } from '../live.js';
import type { SetPlan } from '../set-plan.js';
import type { KamailioAlgorithm } from './algorithm.js';

/**
 * Algorithm 13: by priority, reduced for latency. The reduction is the latency estimate divided by the priority
 * (integer division), if the estimate is above the priority. With cc=1 only the latency above average counts. Equal
 * destinations are used alternately.
 */
export const latencyOptimised: KamailioAlgorithm = {
  code: 13,
  name: 'latency',
  choose(plan, _request, end) {
    const { set } = plan;
    const size = set.destinations.length;
    // With a default destination, Kamailio ranks as many positions as the set has but wraps one position earlier. So
    // its start position is ranked twice, unless it is the default, which then counts as the first.
    plan.latencyOrder = ranking(plan, plan.strict ? size : end, end);
    const best = plan.latencyOrder[0] as number;
    if (plan.strict && !set.isActive(best)) {
      set.last = 0;
      return NONE;
    }
    set.last = (best + 1) % size;
    return best % end;
  },
  order: (plan) => plan.latencyOrder,
};

/**
 * Ranks `count` positions beginning after the last choice and wrapping at `end`: best first, those that are down last,
 * equal ones in that order.
 */
function ranking(plan: SetPlan, count: number, end: number): Int32Array {
  const { set } = plan;
  const order: number[] = [];
  const values = new Int32Array(set.destinations.length);
  let position = plan.strict ? set.last : set.last % end;
  for (let step = 0; step < count; step++) {
    order.push(position);
    values[position] = set.isActive(position) ? worth(plan, position) : -1;
    position = (position + 1) % end;
  }
  order.sort((a, b) => (values[b] as number) - (values[a] as number));
  return Int32Array.from(order);
}

function worth(plan: SetPlan, position: number): number {
  const { priority } = (plan.set.destinations[position] as Destination).row;
  if (priority <= 0) return 0;
  const { latency } = plan.lives[position] as KamailioLive;
  if (latency === undefined) return priority;
  const { congestionControl } = plan.attributes[position] as KamailioAttributes;
  const milliseconds = congestionControl ? latency.congestion : Math.trunc(latency.estimate);
  const handicap = milliseconds > priority ? Math.trunc(milliseconds / priority) : 0;
  return Math.max(1, priority - handicap);
}
