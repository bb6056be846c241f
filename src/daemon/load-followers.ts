import { nextIteration } from '../core/event-loop.js';
import type { Partition } from '../engine/partition.js';
import type { Prober } from '../probing/prober.js';
import type { EventParts } from './build-events.js';
import type { RoutingParts } from './build-routing.js';
import type { TableParts } from './build-tables.js';
import type { ClusterHooks } from './cluster-hooks.js';
import type { WorkerHooks } from './worker-hooks.js';

/** The parts of the daemon that follow the tables. */
export interface FollowingParts extends RoutingParts {
  readonly tables: TableParts;
  readonly prober: Prober;
  readonly events: EventParts;
  readonly cluster: ClusterHooks;
  readonly hooks: WorkerHooks | undefined;
}

/** Updates other parts when destinations have changed by a load, by host names or by settings. */
export class LoadFollowers {
  /** Whether the daemon serves calls. Otherwise a tool has loaded the tables, and no script runs. */
  serving = false;
  /** Whether the work for all partitions is scheduled for this event loop iteration. */
  private scheduled = false;

  constructor(private readonly parts: () => FollowingParts) {}

  /** A partition has a new snapshot. */
  loaded(partition: Partition): void {
    const { routing, script, hooks, cluster, prober, events } = this.parts();
    this.rebuildBlacklists(partition);
    hooks?.parts?.changed();
    cluster.parts?.loaded(partition);
    if (this.serving) (script ?? routing).loaded(partition);
    if (this.scheduled) return;
    // Work on all partitions is done once for all that are loaded in one event loop iteration.
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      prober.refresh();
      this.refreshWeights();
      events.syncStates();
      if (events.nats?.connected === false) events.resumeDelivered();
    });
  }

  /** Rebuilds the blacklists of a partition in slices. */
  rebuildBlacklists(partition: Partition): void {
    void this.parts().tables.blacklists.rebuildInSlices(partition, nextIteration);
  }

  /** Updates which gateways have their weights reported. */
  refreshWeights(): void {
    for (const feed of this.parts().events.weightFeeds) feed.refresh();
  }
}
