import type { Destination } from './destination.js';

/** One set of a snapshot. Immutable but for the availability index, which follows the health of its destinations. */
export interface DestinationSet {
  readonly id: number;
  /** In the order the flavour prescribes: priority descending; equal ones in row order (OpenSIPS). */
  readonly destinations: readonly Destination[];
}

/** All sets of a partition as loaded once. A transaction keeps the snapshot it began with. */
export interface Snapshot {
  /** Grows by one with each load of the partition. */
  readonly generation: number;
  /** Clock.now() of the load. */
  readonly loadedAt: number;
  readonly sets: ReadonlyMap<number, DestinationSet>;
  /** Set ids in order of first appearance in the rows (listings show them in reverse). */
  readonly setOrder: readonly number[];
  /** Number of destinations over all sets. */
  readonly size: number;
}

/** Every destination of a snapshot, set by set, in order of position. */
export function* destinationsOf({ sets }: Snapshot): Generator<Destination> {
  for (const set of sets.values()) yield* set.destinations;
}
