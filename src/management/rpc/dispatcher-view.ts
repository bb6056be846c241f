import type { Destination } from '../../engine/destination.js';
import type { DestinationView } from '../../engine/flavour.js';
import type { Discarded } from '../../engine/partition.js';
import type { Snapshot } from '../../engine/set.js';

/** A destination to add in memory. */
export interface NewDestination {
  readonly setId: number;
  readonly uri: string;
  readonly flags: number;
  readonly priority: number;
  readonly attrs: string;
}

/** The functions of a partition for RPC commands. */
export interface DispatcherTarget {
  readonly name: string;
  /** Whether recorded faults are reproduced. */
  readonly strict: boolean;
  readonly snapshot: Snapshot;
  /** Destinations of a set with a URI, compared as stored but without case. */
  find(setId: number, uri: string): readonly Destination[];
  /** What is shown of a destination besides its row. */
  view(destination: Destination): DestinationView;
  /** Whether lists have the fields added in 6.x. */
  readonly showsFieldsOf6: boolean;
  /** The IUID of a destination in 6.x. */
  iuid(destination: Destination): string;
  /** Converts a Clock.monotonic() time to milliseconds since the epoch. */
  timeOf(monotonic: number): number;
  /** Whether a text names a state: its first letter or digit counts; "p" after it switches probing on. */
  isState(state: string): boolean;
  /** Sets the state at once. */
  setState(destination: Destination, state: string): void;
  /** Writes the unwritten states to the table now; false when that takes longer than an operator should wait. */
  writeThrough(): Promise<boolean>;
  /** Loads the partition again; returns the discarded rows. Throws when that fails; the old data then stay. */
  reload(): Promise<readonly Discarded[]>;
  /** Adds a destination in memory only. Throws with the reason. */
  add(destination: NewDestination): Promise<void>;
  /** Removes a destination from memory only; false when there is none. */
  remove(setId: number, uri: string): Promise<boolean>;
}

/** The functions of the product for dispatcher.* commands; the daemon's assembly provides them. */
export interface DispatcherView {
  /** The partition with a name, or the default one; undefined when there is none. */
  target(partition: string | undefined): DispatcherTarget | undefined;
  /** Whether probing is on, for all or for one partition. */
  probingActive(partition?: string): boolean;
  setProbingActive(active: boolean, partition?: string): void;
  /** The dispatcher hash of one or two keys, unsigned. */
  hash(first: string, second: string | undefined): number;
}
