import type { Destination } from '../engine/destination.js';
import type { Partition } from '../engine/partition.js';
import type { Snapshot } from '../engine/set.js';
import type { Latency } from './latency.js';
import type { ProbePlan } from './plan.js';
import type { Spoke } from './wheel.js';

/** A destination that may be probed. It outlives reloads as long as the destination does. */
export interface Watched extends Spoke {
  destination: Destination;
  readonly partition: WatchedPartition;
  latency: Latency | undefined;
  /** Waiting until fewer probes are in flight. */
  queued: boolean;
  /** The probe in flight; at most one. */
  flight: ProbeInFlight | undefined;
  /** Run of the comparison that saw it last. */
  seen: number;
}

/** A probe under way. */
export interface ProbeInFlight {
  readonly watched: Watched;
  /** What was probed, and the load it stood in: an answer that belongs to an older one does not count. */
  readonly destination: Destination;
  readonly snapshot: Snapshot;
  readonly startedAt: number;
  readonly deadline: number;
  cancel: (() => void) | undefined;
}

/** A partition and those of its destinations that are under watch. */
export interface WatchedPartition {
  readonly partition: Partition;
  plan: ProbePlan;
  readonly byKey: Map<string, Watched>;
  /** The snapshot `byKey` was last brought up to. */
  snapshot: Snapshot | undefined;
  /** The comparison under way. */
  running: Generator<void, void> | undefined;
  run: number;
}

/** Destinations compared before the comparison yields. */
const SLICE = 2000;

/** A partition of which nothing is under watch yet. */
export function watchPartition(partition: Partition, plan: ProbePlan): WatchedPartition {
  return { partition, plan, byKey: new Map(), snapshot: undefined, running: undefined, run: 0 };
}

/**
 * Brings the roster of a partition up to its snapshot: yields between slices. `added` and `removed` are called for each
 * destination that comes under watch or leaves it; those that stay get the new snapshot's Destination.
 */
export function* compareRoster(
  watched: WatchedPartition,
  added: (member: Watched) => void,
  removed: (member: Watched) => void,
): Generator<void, void> {
  const { byKey, plan } = watched;
  const { snapshot } = watched.partition;
  watched.snapshot = snapshot;
  const run = ++watched.run;
  let work = 0;
  for (const [setId, set] of snapshot.sets) {
    if (!plan.covers(setId)) continue;
    for (const destination of set.destinations) {
      if (++work % SLICE === 0) yield;
      const known = byKey.get(destination.key);
      if (known !== undefined) {
        // The second row of one destination shares its health and its probe.
        if (known.seen !== run) known.destination = destination;
        known.seen = run;
        continue;
      }
      const member: Watched = {
        destination,
        partition: watched,
        latency: undefined,
        queued: false,
        flight: undefined,
        seen: run,
        slot: -1,
        position: 0,
      };
      byKey.set(destination.key, member);
      added(member);
    }
  }
  for (const [key, member] of byKey) {
    if (++work % SLICE === 0) yield;
    if (member.seen === run) continue;
    byKey.delete(key);
    removed(member);
  }
}
