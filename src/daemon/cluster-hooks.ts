import type { Service } from '../core/service.js';
import type { Destination } from '../engine/destination.js';
import type { Partition } from '../engine/partition.js';
import type { StateEntry } from '../events/state-entry.js';
import type { ClusterControl } from '../management/mi/dependencies.js';

/** The cluster part, for the rest of the daemon. */
export interface ClusterParts extends Service {
  readonly control: ClusterControl;
  /** Whether the states of the destination's partition are shared in the cluster. */
  shares(destination: Destination): boolean;
  /** Whether this node probes the destination now. */
  probes(destination: Destination): boolean;
  /** Whether this node publishes the events of a destination and writes its entry. */
  owns(destination: Destination): boolean;
  /** The same for an entry of the public bucket, whose destination may not be loaded here. */
  ownsEntry(entry: Pick<StateEntry, 'partition' | 'group' | 'address' | 'socket'>): boolean;
  /** Whether this node writes the states of a partition to its table. */
  writesTable(partition: string): boolean;
  /** Whether a sharing tag is active at this node. */
  isActive(tag: string): boolean;
  /** A partition has a new snapshot. */
  loaded(partition: Partition): void;
  /** Settings or partitions have changed. */
  reconfigured(): void;
  /** The state in the cluster, for /health. */
  readonly state: string;
}

/**
 * Answers questions of other parts about the cluster. Without a cluster, the usual case, it answers after one
 * comparison as for a single node.
 */
export class ClusterHooks {
  parts: ClusterParts | undefined;

  /** `name`: of the configured cluster, whether loaded or not; undefined: none. */
  constructor(private readonly name: string | undefined) {}

  /** Whether a cluster is configured. */
  get configured(): boolean {
    return this.name !== undefined;
  }

  /** Whether this node probes the destination now. Until a configured cluster is loaded, it probes none. */
  probes(destination: Destination): boolean {
    return this.parts === undefined ? !this.configured : this.parts.probes(destination);
  }

  /** Whether the owner of the destination, possibly another node, publishes its events. */
  shares(destination: Destination): boolean {
    return this.parts?.shares(destination) === true;
  }

  /** Whether this node writes the destination's entry to the public bucket. */
  owns(destination: Destination): boolean {
    return this.parts === undefined
      ? !this.configured
      : !this.parts.shares(destination) || this.parts.owns(destination);
  }

  /** Whether this node writes that entry of the public bucket. */
  ownsEntry(entry: Pick<StateEntry, 'partition' | 'group' | 'address' | 'socket'>): boolean {
    return this.parts === undefined ? !this.configured : this.parts.ownsEntry(entry);
  }

  /** The state of "tag" or "tag/cluster" here; undefined without a cluster, or for another cluster. */
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
