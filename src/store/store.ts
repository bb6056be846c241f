import type { DestinationRow, HealthState } from '../engine/destination.js';
import type { Discarded } from '../engine/partition.js';

/** A state to write back. */
export interface StateWrite {
  readonly rowId: number | string | undefined;
  readonly setId: number;
  readonly uri: string;
  readonly state: HealthState;
}

/** The valid rows of a partition, and the discarded ones. */
export interface StoreLoad {
  readonly rows: readonly DestinationRow[];
  readonly discarded: readonly Discarded[];
}

/** Where a partition's destinations come from: a database table, a db_text folder or a list file. */
export interface DestinationStore {
  /** Its name in logs: URL without secrets, and table. */
  readonly description: string;
  /**
   * Checks the table version and reads all rows; invalid ones are in `discarded` with their reason. Yields to the event
   * loop between slices. Throws SwitchyardError STORE_* when nothing can be read.
   */
  load(): Promise<StoreLoad>;
  /** Whether it is a list file, whose lines are loaded independently. */
  readonly isFile?: boolean;
  /** Whether states can be written at all (not to a list file). */
  readonly writable: boolean;
  /** Writes states in one batch, by primary key where rows have one. Throws SwitchyardError STORE_*. */
  saveStates(states: readonly StateWrite[]): Promise<void>;
  /** Releases this store's share of the pool. */
  close(): Promise<void>;
}
