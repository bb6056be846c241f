import type { Destination } from '../../engine/destination.js';
import type { DestinationView } from '../../engine/flavour.js';
import type { Discarded } from '../../engine/partition.js';
import type { Snapshot } from '../../engine/set.js';

/** A destination that is to be added in memory. */
export interface NewDestination {
  readonly setId: number;
  readonly uri: string;
  readonly flags: number;
  readonly priority: number;
  readonly attrs: string;
}

/** One partition as the RPC commands see and change it. */
export interface DispatcherTarget {
  readonly name: string;
  /** Recorded faults are kept. */
  readonly strict: boolean;
  readonly snapshot: Snapshot;
  /** Destinations of a set by URI, compared without case over the whole URI as stored. */
  find(setId: number, uri: string): readonly Destination[];
  /** What is shown of a destination besides its row. */
  view(destination: Destination): DestinationView;
  /** Whether listings have the fields that came with 6.x. */
  readonly showsFieldsOf6: boolean;
  /** What 6.x shows as IUID of a destination. */
  iuid(destination: Destination): string;
  /** Milliseconds since 1970 of a time of Clock.monotonic(). */
  timeOf(monotonic: number): number;
  /** Whether the text names a state: its first letter or digit counts, "p" after it switches probing on. */
  isState(state: string): boolean;
  /** Gives it this state at once. */
  setState(destination: Destination, state: string): void;
  /** Has states that are not in the table yet written now; false when that takes longer than an operator is made to wait. */
  writeThrough(): Promise<boolean>;
  /** Loads the partition again; the rows that were left out. Throws when that fails; the old data then stay. */
  reload(): Promise<readonly Discarded[]>;
  /** Adds a destination in memory only. Throws with the reason. */
  add(destination: NewDestination): Promise<void>;
  /** Removes a destination from memory only; false when there is none. */
  remove(setId: number, uri: string): Promise<boolean>;
}

/** What of the product the dispatcher.* commands use, handed in by the composition root. */
export interface DispatcherView {
  /** The partition of this name, or the one meant without; undefined when there is none. */
  target(partition: string | undefined): DispatcherTarget | undefined;
  /** Whether probes are sent, at all or to one partition. */
  probingActive(partition?: string): boolean;
  setProbingActive(active: boolean, partition?: string): void;
  /** The dispatcher hash of one or two keys, unsigned. */
  hash(first: string, second: string | undefined): number;
}
