import type { Partition } from '../partition.js';
import { parseAttributes } from './attributes.js';
import { liveOf } from './live.js';

/** What $dsg returns about a set: how many destinations it has, and how many may be selected (A, T) or not (I, D). */
export interface GroupCounts {
  readonly count: number;
  readonly active: number;
  readonly inactive: number;
}

/** Counts the destinations of a set; undefined when it does not exist. */
export function groupCounts(partition: Partition, setId: number): GroupCounts | undefined {
  const set = partition.snapshot.sets.get(setId);
  if (set === undefined) return undefined;
  const active = set.destinations.filter((each) => each.health.state === 'active').length;
  return { count: set.destinations.length, active, inactive: set.destinations.length - active };
}

/** What $dsg returns about the overload control of a destination. */
export interface GroupOverload {
  /** Time until which the gateway's report is valid, in milliseconds of the partition's now(); 0: no report yet. */
  readonly until: number;
  readonly seq: number;
  /** Percentage of calls to skip. */
  readonly rate: number;
}

/** The overload control of a destination; undefined when it does not exist. */
export function groupOverload(partition: Partition, setId: number, uri: string): GroupOverload | undefined {
  const destination = partition.find(setId, uri);
  if (destination === undefined) return undefined;
  const current = liveOf(destination).overload;
  if (current !== undefined) return { until: current.until, seq: current.seq, rate: current.rate };
  return { until: 0, seq: 0, rate: parseAttributes(destination.row.attrs).ocRate };
}
