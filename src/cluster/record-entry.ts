import type { Destination } from '../engine/destination.js';
import type { Stored } from './bus.js';
import { type DestinationRecord, type Intent, isNewer, isWord } from './record.js';

/** A compare-and-set under way. */
export interface WriteInFlight {
  readonly intent: Intent;
  readonly record: DestinationRecord;
  readonly text: string;
  readonly expected: number;
  readonly since: number;
}

/** What this node knows of one destination's record, and what it wants to make of it. */
export interface Entry {
  readonly key: string;
  /** While it stands in this node's rows. */
  destination: Destination | undefined;
  /** Revision of `record`; 0: never written. */
  rev: number;
  record: DestinationRecord | undefined;
  /** Edges up to this one were read from the bucket and may be of any age; later ones came as they were committed. */
  readSeq: number;
  /** In force here and not committed yet, oldest first. */
  queue: Intent[];
  /** Monotonic time of the oldest of them. */
  since: number;
  /** `v` of the record when the queue began. */
  baseV: number;
  /** What stands for the record while there is none. */
  origin: DestinationRecord | undefined;
  flight: WriteInFlight | undefined;
  /** Sent, with an unknown result: it may have been stored. */
  unsure: WriteInFlight | undefined;
  tries: number;
  /** The bucket has an older record than this one: it lost what was written. */
  stale: boolean;
  /** Not to be sent yet: the destination is being looked at again. */
  held: boolean;
  retry: (() => void) | undefined;
  waiters: (() => void)[];
}

/** The entry of a key of which nothing is known yet. */
export function newEntry(key: string, destination: Destination | undefined): Entry {
  return {
    key,
    destination,
    rev: 0,
    record: undefined,
    readSeq: 0,
    queue: [],
    since: 0,
    baseV: 0,
    origin: undefined,
    flight: undefined,
    unsure: undefined,
    tries: 0,
    stale: false,
    held: false,
    retry: undefined,
    waiters: [],
  };
}

/** Orders are kept longer than measurements; what is under way stays. */
export function compact(entry: Entry): void {
  const from = entry.flight === undefined ? 0 : 1;
  const at = entry.queue.findIndex((intent, i) => i >= from && i < entry.queue.length - 1 && !isWord(intent));
  entry.queue.splice(at < 0 ? from : at, 1);
}

/** Whether a value of the revision known is what is known. */
export function isSame({ rev, record }: Entry, { revision, text }: Stored): boolean {
  return revision !== rev || record === undefined || JSON.stringify(record) === text;
}

/** Whether an intent changes anything of a record. `published`: the last edge known to be in the event stream. */
export function worthWriting(
  base: DestinationRecord,
  intent: Intent,
  state: DestinationRecord['st'],
  published: number,
): boolean {
  if (intent.kind === 'published') return published > base.told && base.ev.length > 0;
  if (intent.kind === 'skip') return base.skip?.includes(intent.reason) !== true;
  if (intent.order !== undefined) return isNewer(intent.order, base.z);
  if (state !== base.st) return true;
  // An order for the state a destination already has makes that state override probes.
  return intent.bits !== undefined && base.b !== undefined && intent.bits !== base.b;
}
