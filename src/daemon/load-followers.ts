import { nextIteration } from '../core/event-loop.js';
import type { Partition } from '../engine/partition.js';
import type { Prober } from '../probing/prober.js';
import type { EventParts } from './build-events.js';
import type { RoutingParts } from './build-routing.js';
import type { TableParts } from './build-tables.js';
import type { ClusterHooks } from './cluster-hooks.js';
import type { WorkerHooks } from './worker-hooks.js';

/** Parts of the daemon that follow the tables. */
export interface FollowingParts extends RoutingParts {
  readonly tables: TableParts;
  readonly prober: Prober;
  readonly events: EventParts;
  readonly cluster: ClusterHooks;
  readonly hooks: WorkerHooks | undefined;
}

/** What is done when destinations have changed, by a load, by their host names or by other settings. */
export class LoadFollowers {
  /** The daemon serves calls. A load without that is a tool's: no script is run for it. */
  serving = false;
  /** What looks at all partitions will do so in this event loop iteration. */
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
    // What looks at all partitions does so once for all that are loaded in one event loop iteration.
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      prober.refresh();
      this.refreshWeights();
      events.syncStates();
    });
  }

  /** Derives the blacklists of a partition anew, in slices. */
  rebuildBlacklists(partition: Partition): void {
    void this.parts().tables.blacklists.rebuildInSlices(partition, nextIteration);
  }

  /** Follows the gateways whose weights are reported. */
  refreshWeights(): void {
    for (const feed of this.parts().events.weightFeeds) feed.refresh();
  }
}
