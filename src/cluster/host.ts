import type { Clock } from '../core/clock.js';
import type { Logger } from '../core/logger.js';
import type { Random } from '../core/random.js';
import type { Destination } from '../engine/destination.js';
import type { DispatcherEvent } from '../events/event.js';
import type { ClusterBus } from './bus.js';
import type { DestinationRecord } from './record.js';
import type { ClusterSettings, PartitionShare } from './settings.js';

/** What the node does to and asks of the process it is in. */
export interface ClusterHost {
  /** How a partition takes part; undefined: it does not. */
  share(partition: string): PartitionShare | undefined;
  /** Brings a destination's state to its record. */
  adopt(destination: Destination, record: DestinationRecord): void;
  /** Hands an event to the stream. `since`: monotonic time from which it may have been stored by somebody already. */
  publish(event: DispatcherEvent, since: number | undefined): void;
  /** Whether events of an outbox key are still on their way. */
  holds(outboxKey: string): boolean;
  /** Probes a destination once, outside its interval; whether it answered well. */
  check(destination: Destination, done: (good: boolean) => void): void;
  /** These destinations have come to this node: their first probes are due soon. */
  hurry(destinations: readonly Destination[]): void;
  /** Whether anybody probes the destination at all. */
  isProbed(destination: Destination): boolean;
  /** Milliseconds between two probes of a destination. */
  intervalMs(): number;
  /** Forgets all probes under way. */
  dropProbes(): void;
  /** Flavour kamailio: the state bits of a destination. */
  bits(destination: Destination): number | undefined;
  /** Ownership of destinations, tables or tags may have moved. */
  moved(): void;
  /** What this node says of itself, kept in the bucket. */
  member(): object;
}

/** What a node of a cluster is made with. */
export interface ClusterNodeOptions {
  readonly node: string;
  readonly settings: ClusterSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly bus: ClusterBus;
  readonly host: ClusterHost;
  /** Milliseconds each commit took. */
  readonly took?: (ms: number) => void;
}
