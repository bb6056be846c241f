import type { Service } from '../core/service.js';

/**
 * An external source that sets the weights of destinations at run time, with Engine.setWeight. While the source is
 * silent, the last weights stay.
 */
export interface WeightFeed extends Service {
  /**
   * Looks destinations up again; call it when partitions were loaded, changed or removed, or the largest weight
   * changed.
   */
  refresh(): void;
}
