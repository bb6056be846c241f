import type { Destination } from '../engine/destination.js';
import type { Stored } from './bus.js';
import { type DestinationRecord, type Intent, isCommand, isNewer } from './record.js';

/** A compare-and-set in progress. */
export interface WriteInFlight {
  readonly intent: Intent;
  readonly record: DestinationRecord;
  readonly text: string;
  readonly expected: number;
  readonly since: number;
}

/** What this node knows of a destination's record, and the changes it wants to commit. */
export interface Entry {
  readonly key: string;
  /** Set while the destination is in this node's rows. */
  destination: Destination | undefined;
  /** Revision of `record`; 0: never written. */
  rev: number;
  record: DestinationRecord | undefined;
  /** Edges up to this one were read from the bucket and may be old; later ones arrived when they were committed. */
  readSeq: number;
  /** Changes that apply here but are not committed yet, oldest first. */
  queue: Intent[];
  /** Monotonic time of the oldest one. */
  since: number;
  /** `v` of the record when the queue began. */
  baseV: number;
  /** Used as the record while there is none. */
  origin: DestinationRecord | undefined;
  flight: WriteInFlight | undefined;
  /** A write whose result is unknown: it may have been stored. */
  uncertain: WriteInFlight | undefined;
  tries: number;
  /** The bucket has an older record than this: it has lost writes. */
  stale: boolean;
  /** Not to be sent yet, since the destination is being probed again. */
  held: boolean;
  retry: (() => void) | undefined;
  waiters: (() => void)[];
}

/** An entry for a key of which nothing is known yet. */
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
    uncertain: undefined,
    tries: 0,
    stale: false,
    held: false,
    retry: undefined,
    waiters: [],
  };
}

/** Shortens the queue: keeps orders longer than results of probes, and the change in progress. */
export function compact(entry: Entry): void {
  const from = entry.flight === undefined ? 0 : 1;
  const at = entry.queue.findIndex((intent, i) => i >= from && i < entry.queue.length - 1 && !isCommand(intent));
  entry.queue.splice(at < 0 ? from : at, 1);
}

/** Whether a value is the known one, if the revision is. */
export function isSame({ rev, record }: Entry, { revision, text }: Stored): boolean {
  return revision !== rev || record === undefined || JSON.stringify(record) === text;
}

/** Whether an intent would change the record. `published`: the last edge known to be in the event stream. */
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
  // An order for the current state still matters: from then on it overrides probes.
  return intent.bits !== undefined && base.b !== undefined && intent.bits !== base.b;
}
