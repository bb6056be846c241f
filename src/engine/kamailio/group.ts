import type { Partition } from '../partition.js';
import { parseAttributes } from './attributes.js';
import { liveOf } from './live.js';

/** What $dsg reports of a set: how many destinations it has, and how many of them are selected (A, T) or not (I, D). */
export interface GroupCounts {
  readonly count: number;
  readonly active: number;
  readonly inactive: number;
}

/** Undefined for a set that is not there. */
export function groupCounts(partition: Partition, setId: number): GroupCounts | undefined {
  const set = partition.snapshot.sets.get(setId);
  if (set === undefined) return undefined;
  const active = set.destinations.filter((each) => each.health.state === 'active').length;
  return { count: set.destinations.length, active, inactive: set.destinations.length - active };
}

/** What $dsg reports of the overload control of one destination. */
export interface GroupOverload {
  /** Milliseconds, as the partition's now(), until which the announcement holds; 0 before the first. */
  readonly until: number;
  readonly seq: number;
  /** Percent of calls to skip. */
  readonly rate: number;
}

/** Undefined for a destination that is not there. */
export function groupOverload(partition: Partition, setId: number, uri: string): GroupOverload | undefined {
  const destination = partition.find(setId, uri);
  if (destination === undefined) return undefined;
  const current = liveOf(destination).overload;
  if (current !== undefined) return { until: current.until, seq: current.seq, rate: current.rate };
  return { until: 0, seq: 0, rate: parseAttributes(destination.row.attrs).ocRate };
}
