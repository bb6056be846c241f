import type { Clock } from '../core/clock.js';
import type { Logger } from '../core/logger.js';
import type { Random } from '../core/random.js';
import type { Destination } from '../engine/destination.js';
import type { DispatcherEvent } from '../events/event.js';
import type { ClusterBus } from './bus.js';
import type { DestinationRecord } from './record.js';
import type { ClusterSettings, PartitionShare } from './settings.js';

/** The functions of the daemon that a node uses. */
export interface ClusterHost {
  /** How a partition takes part in the cluster; undefined: not at all. */
  share(partition: string): PartitionShare | undefined;
  /** Sets a destination's state to that of its record. */
  adopt(destination: Destination, record: DestinationRecord): void;
  /** Publishes an event to the stream. `since`: monotonic time from which another node may have stored it. */
  publish(event: DispatcherEvent, since: number | undefined): void;
  /** Whether events of an outbox key are still waiting. */
  holds(outboxKey: string): boolean;
  /** Probes a destination once, outside its interval; reports whether the answer was good. */
  check(destination: Destination, done: (good: boolean) => void): void;
  /** These destinations are now owned by this node: they are to be probed soon. */
  probeSoon(destinations: readonly Destination[]): void;
  /** Whether the destination is probed at all. */
  isProbed(destination: Destination): boolean;
  /** Milliseconds between two probes of a destination. */
  intervalMs(): number;
  /** Abandons all probes in flight. */
  dropProbes(): void;
  /** The state bits of a destination (flavour kamailio). */
  bits(destination: Destination): number | undefined;
  /** Owners of destinations, tables or tags may have changed. */
  moved(): void;
  /** The description of this node for the bucket. */
  member(): object;
}

/** What a cluster node needs. */
export interface ClusterNodeOptions {
  readonly node: string;
  readonly settings: ClusterSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly bus: ClusterBus;
  readonly host: ClusterHost;
  /** Reports how many milliseconds a commit took. */
  readonly took?: (ms: number) => void;
}
