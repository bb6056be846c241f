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

  /** `name`: of the cluster the settings name, whether it is loaded yet or not; undefined: none. */
  constructor(private readonly name: string | undefined) {}

  /** Whether the settings name a cluster, be it loaded or not. */
  get configured(): boolean {
    return this.name !== undefined;
  }

  /** Whether this node probes the destination now. Until a cluster that is configured is loaded, none does. */
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

  /** Whether this node writes that entry of the public bucket. */
  ownsEntry(entry: Pick<StateEntry, 'partition' | 'group' | 'address' | 'socket'>): boolean {
    return this.parts === undefined ? !this.configured : this.parts.ownsEntry(entry);
  }

  /** Of "tag" or "tag/cluster"; undefined without a cluster, and of another cluster. */
  tag(named: string): 'active' | 'backup' | undefined {
    if (this.name === undefined) return undefined;
    const slash = named.indexOf('/');
    if (slash >= 0 && named.slice(slash + 1).trim() !== this.name) return undefined;
    const tag = slash < 0 ? named : named.slice(0, slash).trim();
    return this.parts?.isActive(tag) === true ? 'active' : 'backup';
  }

  /** Whether this node writes the states of a partition to its table. */
  writesTable(partition: string): boolean {
    return this.parts === undefined ? !this.configured : this.parts.writesTable(partition);
  }
}
