import type { Destination } from '../engine/destination.js';
import type { Partition } from '../engine/partition.js';
import type { Snapshot } from '../engine/set.js';
import type { Latency } from './latency.js';
import type { ProbePlan } from './plan.js';
import type { WheelMember } from './wheel.js';

/** A destination that may be probed. It is kept across reloads, as long as the destination exists. */
export interface Watched extends WheelMember {
  destination: Destination;
  readonly partition: WatchedPartition;
  latency: Latency | undefined;
  /** Whether it is in the queue of probes. */
  queued: boolean;
  /** The probe of the destination that has no result yet, if any. */
  flight: ProbeInFlight | undefined;
  /** Number of the last comparison that found the destination. */
  seen: number;
}

/** A probe in flight. */
export interface ProbeInFlight {
  readonly watched: Watched;
  /** The destination as loaded when the probe was sent: the outcome is ignored after another load. */
  readonly destination: Destination;
  readonly snapshot: Snapshot;
  readonly startedAt: number;
  readonly deadline: number;
  cancel: (() => void) | undefined;
}

/** A partition and its destinations that may be probed. */
export interface WatchedPartition {
  readonly partition: Partition;
  plan: ProbePlan;
  readonly byKey: Map<string, Watched>;
  /** The snapshot with which `byKey` was last compared. */
  snapshot: Snapshot | undefined;
  /** The comparison in progress. */
  running: Generator<void, void> | undefined;
  run: number;
}

/** Destinations compared between two yields. */
const SLICE = 2000;

/** A partition without destinations yet. */
export function watchPartition(partition: Partition, plan: ProbePlan): WatchedPartition {
  return { partition, plan, byKey: new Map(), snapshot: undefined, running: undefined, run: 0 };
}

/**
 * Updates the roster of a partition to its snapshot; yields between slices. Calls `added` and `removed` for
 * destinations that are new or gone. Those that stay get the Destination object of the new snapshot.
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
        // A destination may have two rows (in two sets); they share health and probe.
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
