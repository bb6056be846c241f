import type { DestinationRow, HealthState } from '../engine/destination.js';
import type { Discarded } from '../engine/partition.js';

/** A state to be written back. */
export interface StateWrite {
  readonly rowId: number | string | undefined;
  readonly setId: number;
  readonly uri: string;
  readonly state: HealthState;
}

/** The rows of a partition, and those that cannot be used. */
export interface StoreLoad {
  readonly rows: readonly DestinationRow[];
  readonly discarded: readonly Discarded[];
}

/** Where a partition's destinations come from: a database table, a db_text folder, a list file. */
export interface DestinationStore {
  /** What it is, for logs: URL without secrets, and table. */
  readonly description: string;
  /**
   * Checks the table version and reads all rows, validating each; bad ones are in `discarded` with their reason.
   * Yields to the event loop between slices. Throws SwitchyardError STORE_* when nothing can be read.
   */
  load(): Promise<StoreLoad>;
  /** Whether it is a list file, of which each line loads by itself. */
  readonly isFile?: boolean;
  /** Whether states can be written at all (a list file cannot). */
  readonly writable: boolean;
  /** Writes states in one batch, by primary key where rows have one. Throws SwitchyardError STORE_*. */
  saveStates(states: readonly StateWrite[]): Promise<void>;
  /** Releases this store's share of the pool. */
  close(): Promise<void>;
}
