import type { KV } from 'nats';
import type { Clock } from '../../core/clock.js';
import type { StateEntry } from '../state-entry.js';
import type { Published } from './nats-tail.js';

/** Milliseconds one read of the bucket may take. */
const READ_TIMEOUT = 20_000;

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

/** A text that changes whenever the bucket changes: when it was created, and which messages it has. */
export async function figuresOf(kv: KV): Promise<string> {
  const { streamInfo } = await kv.status();
  const { created, state } = streamInfo;
  return [created, state.first_seq, state.last_seq, state.messages, state.num_deleted ?? 0].join(' ');
}

/** The values of all entries by key. Throws an Error when the bucket cannot be read whole in 20 seconds. */
export async function readEntries(
  kv: KV,
  bucket: string,
  clock: Pick<Clock, 'schedule'>,
): Promise<Map<string, string>> {
  const stored = new Map<string, string>();
  let complete = false;
  let stop = () => {};
  const entries = await kv.watch({
    initializedFn: () => {
      complete = true;
      stop();
    },
  });
  stop = () => entries.stop();
  // An empty bucket is complete before the iterator is returned.
  if (complete) stop();
  const cancel = clock.schedule(READ_TIMEOUT, () => entries.stop());
  for await (const entry of entries) {
    if (entry.operation === 'PUT') stored.set(entry.key, entry.string());
  }
  cancel();
  if (!complete) throw new Error(`bucket ${bucket} could not be read`);
  return stored;
}
