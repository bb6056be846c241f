import type { Service } from '../core/service.js';
import type { Destination } from '../engine/destination.js';
import type { Partition } from '../engine/partition.js';
import type { StateEntry } from '../events/state-entry.js';
import type { ClusterControl } from '../management/mi/dependencies.js';

/** The cluster as the rest of the daemon sees it, once it is loaded. */
export interface ClusterParts extends Service {
  readonly control: ClusterControl;
  /** Whether the destination's partition takes part and its states are shared. */
  shares(destination: Destination): boolean;
  /** Whether this node probes the destination now. */
  probes(destination: Destination): boolean;
  /** Whether this node is the one that publishes events of a partition's destination and writes its entry. */
  owns(destination: Destination): boolean;
  /** The same for an entry of the public bucket, whose destination this node may not have. */
  ownsEntry(entry: Pick<StateEntry, 'partition' | 'group' | 'address' | 'socket'>): boolean;
  /** Whether this node writes the states of a partition to its table. */
  writesTable(partition: string): boolean;
  /** Whether this node is the active one of a sharing tag. */
  isActive(tag: string): boolean;
  /** A partition has a new snapshot. */
  loaded(partition: Partition): void;
  /** Settings or partitions have changed. */
  reconfigured(): void;
  /** For /health. */
  readonly state: string;
}

/**
 * What parts of the daemon ask about the cluster. Without one, which is the usual case and costs one comparison, the
 * answers are those of a node by itself.
 */
export class ClusterHooks {
  parts: ClusterParts | undefined;

  /** Configured, whether loaded yet or not. */
  constructor(readonly configured: boolean) {}

  probes(destination: Destination): boolean {
    return this.parts === undefined ? !this.configured : this.parts.probes(destination);
  }

  /** Whether what happens to the destination is for the node that owns it to publish. */
  shares(destination: Destination): boolean {
    return this.parts?.shares(destination) === true;
  }

  /** Whether this node writes the destination's entry for those outside. */
  owns(destination: Destination): boolean {
    return this.parts === undefined
      ? !this.configured
      : !this.parts.shares(destination) || this.parts.owns(destination);
  }

  ownsEntry(entry: Pick<StateEntry, 'partition' | 'group' | 'address' | 'socket'>): boolean {
    return this.parts === undefined ? !this.configured : this.parts.ownsEntry(entry);
  }

  tag(name: string): 'active' | 'backup' | undefined {
    if (this.parts === undefined) return this.configured ? 'backup' : undefined;
    return this.parts.isActive(name) ? 'active' : 'backup';
  }

  writesTable(partition: string): boolean {
    return this.parts === undefined ? !this.configured : this.parts.writesTable(partition);
  }
}
