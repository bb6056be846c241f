import type { Service } from '../core/service.js';

/**
 * An external source of weights of destinations at run time. What it reports goes to Engine.setWeight; while it is
 * silent or gone the last weights stay.
 */
export interface WeightFeed extends Service {
  /** Partitions were loaded, changed or removed, or the largest weight was: destinations are looked up anew. */
  refresh(): void;
}
