import type { StateEntry } from '../state-entry.js';
import type { Published } from './nats-tail.js';

/** What the bucket needs to know about the destinations. */
export interface FollowStates {
  /** Continues from what an earlier run of this node has written to bucket or stream; returns the resulting entry. */
  readonly resume?: (entry: StateEntry, written: Published | undefined, stored: Published | undefined) => StateEntry;
  /** Whether the partition exists but is not loaded yet. */
  readonly isLoading?: (partition: string) => boolean;
  /** Whether this node writes and removes the entry; default: yes. */
  readonly owns?: (entry: Pick<StateEntry, 'partition' | 'group' | 'address' | 'socket'>) => boolean;
}

/** Whether a value from the bucket names a destination. */
export function isDestinationKey(entry: Partial<StateEntry> | undefined): entry is StateEntry {
  if (typeof entry?.partition !== 'string' || typeof entry.group !== 'number') return false;
  return typeof entry.address === 'string' && typeof entry.socket === 'string';
}

/** The entry in a value of the bucket; undefined if the value is not JSON. */
export function parsed(value: string): Partial<StateEntry> | undefined {
  try {
    const entry = JSON.parse(value) as Partial<StateEntry> | null;
    return entry ?? undefined;
  } catch {
    return undefined;
  }
}
