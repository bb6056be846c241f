import type { DispatcherConfig } from '../config/dispatcher-settings.js';
import type { PartitionConfig } from '../config/settings.js';
import type { Clock } from '../core/clock.js';
import type { Logger } from '../core/logger.js';
import type { Random } from '../core/random.js';
import type { Service } from '../core/service.js';
import type { Destination } from '../engine/destination.js';
import type { Partition } from '../engine/partition.js';
import type { StateTable } from '../engine/state.js';
import type { LatencyFigures } from './latency.js';
import type { ProbeOutcome, ProbeSender } from './probe.js';

/** The parts of the engine that the prober uses. */
export interface ProbedEngine {
  readonly partitions: Iterable<Partition>;
}

/** Called for each probe, for metrics. Must be fast and must not throw. */
export interface ProbeObserver {
  sent?(destination: Destination): void;
  /** `good`: whether the outcome counted as success; undefined when it was ignored because its destination is gone. */
  ended?(destination: Destination, outcome: ProbeOutcome, good: boolean | undefined): void;
}

/** Services and settings that the prober needs. */
export interface ProberOptions {
  readonly engine: ProbedEngine;
  readonly stateTable: StateTable;
  readonly config: DispatcherConfig;
  readonly partitions: readonly PartitionConfig[];
  readonly clock: Clock;
  readonly random: Random;
  readonly send: ProbeSender;
  readonly logger: Logger;
  readonly observer?: ProbeObserver;
  /** Whether this node (of a cluster) probes the destination; default: it probes all. */
  readonly owns?: (destination: Destination) => boolean;
  /** Default MAX_IN_FLIGHT. */
  readonly maxInFlight?: number;
}

/** Counts for metrics and MI. */
export interface ProberFigures {
  readonly watched: number;
  readonly inFlight: number;
  readonly queued: number;
  readonly sent: number;
  readonly good: number;
  readonly bad: number;
  readonly timeouts: number;
  /** Replies to probes whose destination was gone. */
  readonly stale: number;
  /** Regular probes left out because the destination's last probe was still queued or in flight. */
  readonly skipped: number;
}

/** Sends OPTIONS to destinations and reports the outcomes to the state table, as signals. */
export interface Prober extends Service {
  /** Whether probing is on (ds_ping_active). When it is switched off, probes in flight end normally. */
  readonly active: boolean;
  /** Whether probing is on for a partition. */
  isActive(partition: string): boolean;
  /** Switches probing on or off, for one partition or for all. */
  setActive(active: boolean, partition?: string): void;
  /** Compares the partitions with their snapshots at once instead of within half a second: call it after a load. */
  refresh(): void;
  /** Uses new settings; the figures of destinations are kept. */
  configure(config: DispatcherConfig, partitions: readonly PartitionConfig[]): void;
  /** Probes a destination outside the interval. Returns false when it is not to be probed, or a probe is in flight. */
  probeNow(destination: Pick<Destination, 'partition' | 'key'>): boolean;
  /** Round trip times of a destination; undefined before its first probe has ended. */
  latency(destination: Pick<Destination, 'partition' | 'key'>): LatencyFigures | undefined;
  /**
   * Probes destinations that this node has just taken over: each once within `withinMs`, evenly spread, in addition to
   * the regular probes.
   */
  probeSoon(destinations: readonly Destination[], withinMs: number): void;
  /** Sends one probe without any effect on states; calls `done` once with whether the outcome was good. */
  check(destination: Destination, done: (good: boolean) => void): void;
  /** Abandons all probes in flight: their outcomes are ignored. */
  abandon(): void;
  figures(): ProberFigures;
}
