import type { Destination } from './destination.js';

/** One set of a snapshot. It never changes, except for its index of active destinations. */
export interface DestinationSet {
  readonly id: number;
  /** In the order of the flavour: by descending priority; equal ones in the order of rows (OpenSIPS). */
  readonly destinations: readonly Destination[];
}

/** All sets of a partition from one load. A transaction keeps the snapshot with which it began. */
export interface Snapshot {
  /** Incremented by each load of the partition. */
  readonly generation: number;
  /** Clock.now() of the load. */
  readonly loadedAt: number;
  readonly sets: ReadonlyMap<number, DestinationSet>;
  /** Set IDs in the order in which they first occur in the rows; listings reverse it. */
  readonly setOrder: readonly number[];
  /** Number of destinations over all sets. */
  readonly size: number;
}

/** All destinations of a snapshot, set by set, by position. */
export function* destinationsOf({ sets }: Snapshot): Generator<Destination> {
  for (const set of sets.values()) yield* set.destinations;
}
