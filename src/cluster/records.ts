import type { Clock } from '../core/clock.js';
import type { Random } from '../core/random.js';
import type { Destination } from '../engine/destination.js';
import type { ClusterBus, ClusterCounters, CommitOutcome, Stored } from './bus.js';
import { type DestinationRecord, decideAgain, firstRecord, type Intent, nextRecord, parseRecord } from './record.js';
import { compact, type Entry, isSame, newEntry, type WriteInFlight, worthWriting } from './record-entry.js';

/** What the records need. */
export interface RecordsOptions {
  readonly node: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly bus: ClusterBus;
  readonly counters: ClusterCounters;
  /** ID of the bucket's generation. */
  readonly generation: () => string;
  /** Whether commits may be sent now. */
  readonly open: () => boolean;
  /** The last edge of a key that this node knows to be in the event stream. */
  readonly published: (key: string) => number;
  /** The destination of a key, if it is in this node's rows. */
  readonly find: (key: string) => Destination | undefined;
  /** Sets the state in memory to that of the record. */
  readonly adopt: (destination: Destination, record: DestinationRecord) => void;
  /** A newer record is known, whoever has written it. */
  readonly recorded: (entry: Entry) => void;
  /** The server no longer has a record: the bucket was lost. */
  readonly lost: () => void;
  /** The bucket has an older record than this node. */
  readonly stale: (entry: Entry) => void;
  /** Reports how many milliseconds a commit took. */
  readonly took?: (ms: number) => void;
}

const MAX_IN_FLIGHT = 64;
/** Maximum number of records, several times that of the destinations of the largest tables. */
const MAX_ENTRIES = 2_000_000;
const MAX_QUEUE = 8;
const MAX_TRIES = 8;
/**
 * Milliseconds before a commit is tried again after another node was faster: random, so that they do not collide again.
 */
const MIN_JITTER_MS = 5;
const JITTER_MS = 46;
/** Milliseconds before a commit is tried again after MAX_TRIES attempts. */
const AFTER_MAX_TRIES_MS = 1000;
/** Milliseconds until a commit without an answer is checked. */
const RETRY_MS = 250;
const MAX_RETRY_MS = 2000;
/** Milliseconds between attempts with the oldest change: when it succeeds, the others will too. */
const OLDEST_RETRY_MS = 500;
/** Milliseconds between attempts while the server has no room. */
const FULL_RETRY_MS = 5000;

/**
 * The records of the destinations, and how changes are made: decide, apply in memory, write if the revision is still
 * the known one. When another node was faster, the change is decided again on the newer record. At most one commit of a
 * key is in progress.
 */
export class Records {
  readonly entries = new Map<string, Entry>();
  /** Entries with uncommitted changes, oldest first. */
  readonly pending = new Set<Entry>();
  private readonly ready = new Set<Entry>();
  private inFlight = 0;
  /** Whether the last commit or read had no answer. */
  private failing = false;

  constructor(private readonly options: RecordsOptions) {}

  /** The entry of a key, created when there is none. */
  entry(key: string): Entry {
    let entry = this.entries.get(key);
    if (entry === undefined) {
      entry = newEntry(key, this.options.find(key));
      this.entries.set(key, entry);
    }
    return entry;
  }

  /** Whether a value of this key can be kept: whoever may write to the bucket could invent keys. */
  hasRoomFor(key: string): boolean {
    return this.entries.size < MAX_ENTRIES || this.entries.has(key);
  }

  /** Milliseconds for which the oldest change has been waiting; 0 if there is none. */
  oldestMs(): number {
    for (const entry of this.pending) return this.options.clock.monotonic() - entry.since;
    return 0;
  }

  /**
   * Submits a change that already applies in memory. `before`: the state before the change, used if there is no record.
   * `origin`: the same for a record of another zone, which does not describe this node's memory.
   */
  submit(
    entry: Entry,
    intent: Intent,
    before: { readonly state: DestinationRecord['st']; readonly seq: number },
    origin?: DestinationRecord,
  ): void {
    if (entry.queue.length === 0) {
      entry.since = this.options.clock.monotonic();
      entry.baseV = entry.record?.v ?? 0;
      entry.tries = 0;
      const { destination } = entry;
      entry.origin =
        origin ?? (destination && firstRecord(destination.row.uri, destination.row.socket, before.state, before.seq));
      this.pending.add(entry);
    }
    if (intent.kind === 'published' && entry.queue.some(({ kind }) => kind === 'published')) return;
    entry.queue.push(intent);
    if (entry.queue.length > MAX_QUEUE) compact(entry);
    this.line(entry);
  }

  /** Calls `done` when no change of the key is waiting any more, maybe at once. */
  whenSettled(entry: Entry, done: () => void): void {
    if (entry.queue.length === 0) done();
    else entry.waiters.push(done);
  }

  /**
   * Holds all waiting changes until they are replaced, since they were decided without knowing the decisions of others.
   */
  holdAll(): void {
    this.ready.clear();
    for (const entry of this.pending) entry.held = entry.flight === undefined;
  }

  /** Replaces the waiting changes; used when a node returns after being alone. */
  replace(entry: Entry, queue: readonly Intent[]): void {
    entry.retry?.();
    entry.retry = undefined;
    if (entry.flight !== undefined) this.inFlight--;
    entry.flight = entry.uncertain = undefined;
    entry.held = false;
    entry.queue = [...queue];
    entry.tries = 0;
    if (queue.length === 0) this.idle(entry);
    else this.line(entry);
  }

  /** Accepts a value of the bucket from any source, unless a newer one is known. `live`: it has just been written. */
  accept(key: string, revision: number, text: string, live: boolean): void {
    const entry = this.entry(key);
    if (revision <= entry.rev) return;
    const own = [entry.flight, entry.uncertain].find((flight) => flight?.text === text);
    if (own !== undefined) {
      if (own === entry.flight) this.inFlight--;
      this.confirmed(entry, own, revision);
      return;
    }
    entry.rev = revision;
    const record = text === '' ? undefined : parseRecord(text);
    entry.stale = record !== undefined && record.v < (entry.record?.v ?? 0);
    if (entry.stale) {
      this.options.stale(entry);
      return;
    }
    entry.record = record;
    if (!live && record !== undefined) entry.readSeq = record.q;
    if (entry.record !== undefined) this.options.recorded(entry);
    if (entry.queue.length === 0) this.adopt(entry);
  }

  /** A record was removed, and nobody has written it since. */
  forget(key: string, revision: number): void {
    const entry = this.entries.get(key);
    if (entry === undefined || entry.queue.length > 0 || entry.flight !== undefined || entry.rev > revision + 1) return;
    this.entries.delete(key);
  }

  /** Sends what is waiting; call it when commits become possible. */
  pump(): void {
    for (const entry of this.pending)
      if (entry.flight === undefined && entry.retry === undefined && !entry.held) this.ready.add(entry);
    this.drain();
  }

  /** The bucket was recreated, so all revisions are void. Changes in progress are dropped, waiting ones are kept. */
  forgetRevisions(): void {
    for (const entry of this.entries.values()) {
      entry.rev = 0;
      entry.retry?.();
      entry.retry = undefined;
      entry.flight = entry.uncertain = undefined;
    }
    this.inFlight = 0;
  }

  /**
   * Writes a known record to a bucket that has lost it, if the bucket still has revision `expected`. If another node
   * has written it, that value will arrive.
   */
  restore(entry: Entry, expected: number): void {
    const { record } = entry;
    if (record === undefined || entry.flight !== undefined) return;
    this.options.bus.commit(entry.key, JSON.stringify(record), expected, (outcome) => {
      // Without an answer it is tried again. If another node was faster, its value will arrive.
      if (outcome.kind === 'failed') this.options.stale(entry);
      if (outcome.kind !== 'done' || outcome.revision <= entry.rev) return;
      entry.rev = outcome.revision;
      entry.stale = false;
    });
  }

  /** Sets the state in memory to the record, unless this node has uncommitted changes. */
  adopt(entry: Entry): void {
    const { destination, record } = entry;
    if (destination !== undefined && record !== undefined) this.options.adopt(destination, record);
  }

  private line(entry: Entry): void {
    if (entry.queue.length === 0 || entry.flight !== undefined || entry.retry !== undefined || entry.held) return;
    this.ready.add(entry);
    this.drain();
  }

  private drain(): void {
    for (const entry of this.ready) {
      if (this.inFlight >= MAX_IN_FLIGHT || !this.options.open()) return;
      this.ready.delete(entry);
      const { uncertain } = entry;
      if (uncertain === undefined) this.send(entry);
      // The same write on the same revision can succeed only once, even if its first answer was lost.
      else if (uncertain.expected === entry.rev && entry.flight === undefined) this.fly(entry, uncertain);
      else this.refresh(entry);
    }
  }

  private send(entry: Entry): void {
    if (entry.flight !== undefined) return;
    const { node, generation, published, clock } = this.options;
    for (;;) {
      const intent = entry.queue[0];
      const base = entry.record ?? entry.origin;
      if (intent === undefined || base === undefined) {
        entry.queue = [];
        this.idle(entry);
        return;
      }
      const state = decideAgain(base.st, intent);
      const by = { node, generation: generation(), published: published(entry.key) };
      if (!worthWriting(base, intent, state, by.published)) {
        entry.queue.shift();
        entry.tries = 0;
        continue;
      }
      const record = nextRecord(base, intent, state, by);
      const text = JSON.stringify(record);
      this.fly(entry, { intent, record, text, expected: entry.rev, since: clock.monotonic() });
      return;
    }
  }

  private fly(entry: Entry, flight: WriteInFlight): void {
    entry.flight = flight;
    this.inFlight++;
    const { text, expected } = flight;
    this.options.bus.commit(entry.key, text, expected, (outcome) => this.answered(entry, flight, outcome));
  }

  /** Commits succeed again: waiting changes need not wait for their next attempt. */
  private recovered(): void {
    if (!this.failing) return;
    this.failing = false;
    for (const entry of this.pending) {
      if (entry.retry === undefined) continue;
      entry.retry();
      entry.retry = undefined;
      if (!entry.held) this.ready.add(entry);
    }
  }

  private answered(entry: Entry, flight: WriteInFlight, outcome: CommitOutcome): void {
    if (entry.flight !== flight) return;
    this.inFlight--;
    if (outcome.kind !== 'failed') this.recovered();
    if (outcome.kind === 'done') {
      this.options.took?.(this.options.clock.monotonic() - flight.since);
      this.confirmed(entry, flight, outcome.revision);
      return;
    }
    entry.flight = undefined;
    const { counters, random } = this.options;
    entry.tries++;
    if (outcome.kind === 'conflict') {
      counters.conflicts++;
      const wait =
        entry.tries > MAX_TRIES
          ? AFTER_MAX_TRIES_MS
          : entry.tries === 1
            ? 0
            : MIN_JITTER_MS + (random.uint32() % JITTER_MS);
      if (entry.rev === flight.expected) this.refresh(entry);
      else this.later(entry, wait);
    } else {
      counters.timeouts++;
      this.failing ||= outcome.full !== true;
      entry.uncertain = flight;
      if (outcome.gone === true) this.options.lost();
      const wait = outcome.full === true ? FULL_RETRY_MS : RETRY_MS * 2 ** Math.min(entry.tries - 1, 3);
      this.later(entry, outcome.full === true ? wait : this.atMost(entry, wait));
    }
    this.drain();
  }

  /** Reads the leader's value before writing again. */
  private refresh(entry: Entry): void {
    const { queue } = entry;
    this.options.bus.get(entry.key, (value) => {
      if (entry.queue !== queue || entry.flight !== undefined || entry.retry !== undefined) return;
      this.refreshed(entry, value);
    });
  }

  private refreshed(entry: Entry, value: Stored | 'none' | 'failed'): void {
    if (value === 'failed') {
      entry.tries++;
      this.failing = true;
      this.later(entry, this.atMost(entry, MAX_RETRY_MS));
      return;
    }
    this.recovered();
    if (value === 'none') {
      entry.uncertain = undefined;
      if (entry.rev > 0) {
        this.options.lost();
        this.later(entry, MAX_RETRY_MS);
      } else this.later(entry, 0);
      return;
    }
    if (value.revision > entry.rev) this.accept(entry.key, value.revision, value.text, false);
    else if (value.revision < entry.rev || !isSame(entry, value)) {
      // The value is of another bucket with new numbers: nothing may be written with the known revision.
      this.options.lost();
      this.later(entry, RETRY_MS);
      return;
    }
    entry.uncertain = undefined;
    this.line(entry);
  }

  private atMost(entry: Entry, ms: number): number {
    const [oldest] = this.pending;
    return Math.min(ms, entry === oldest ? OLDEST_RETRY_MS : MAX_RETRY_MS);
  }

  private later(entry: Entry, ms: number): void {
    entry.retry?.();
    entry.retry = this.options.clock.schedule(ms, () => {
      entry.retry = undefined;
      if (entry.queue.length > 0) {
        this.ready.add(entry);
        this.drain();
      }
    });
  }

  private confirmed(entry: Entry, flight: WriteInFlight, revision: number): void {
    entry.flight = entry.uncertain = undefined;
    entry.retry?.();
    entry.retry = undefined;
    entry.tries = 0;
    if (revision > entry.rev) {
      entry.rev = revision;
      entry.record = flight.record;
      // This node's write contains what the bucket had lost.
      entry.stale = false;
    }
    this.options.counters.commits++;
    const at = entry.queue.indexOf(flight.intent);
    if (at >= 0) entry.queue.splice(at, 1);
    this.options.recorded(entry);
    if (entry.queue.length > 0) {
      entry.since = this.options.clock.monotonic();
      this.pending.delete(entry);
      this.pending.add(entry);
      this.line(entry);
    } else this.idle(entry);
    this.drain();
  }

  private idle(entry: Entry): void {
    this.pending.delete(entry);
    this.ready.delete(entry);
    const { destination, origin } = entry;
    entry.origin = undefined;
    entry.held = false;
    // Intents without effect are dropped, and not counted as edges.
    if (entry.record !== undefined) this.adopt(entry);
    else if (destination !== undefined && origin !== undefined) this.options.adopt(destination, origin);
    const { waiters } = entry;
    entry.waiters = [];
    for (const done of waiters) done();
  }
}
