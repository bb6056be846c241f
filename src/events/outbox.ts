import type { Clock } from '../core/clock.js';
import type { Logger } from '../core/logger.js';
import { mergeEvents } from './catalogue.js';
import type { DispatcherEvent } from './event.js';
import { type OutboxJournal, storedEvent } from './journal.js';
import { OutboxLog } from './outbox-log.js';
import { ReadyHeap } from './ready-heap.js';

/** Options of an outbox. */
export interface OutboxOptions {
  /** Name of the target, for logs. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Delivers an event; resolves when the target has it. `earlier`: the times of earlier attempts with it. */
  readonly deliver: (event: DispatcherEvent, earlier: EarlierAttempts | undefined) => Promise<void>;
  /** Number of events from which on events of one key are merged. The last event of each key is always kept. */
  readonly limit: number;
  /** Maximum number of events; beyond that the oldest is dropped and counted. Default: no limit. */
  readonly hardLimit?: number;
  /** Deliveries at a time, at most one for each key. Default 128. */
  readonly window?: number;
  /** Milliseconds after which a delivery counts as failed. Default 10000. */
  readonly attemptTimeout?: number;
  /** Milliseconds before the first retry, doubled for each further one up to `max`. Default 100 and 5000. */
  readonly backoff?: { readonly first: number; readonly max: number };
  /** Attempts after which an event is dropped and counted. Default: no limit. */
  readonly maxAttempts?: number;
  /** Whether deliveries may start before `setReady(true)`. Default true. */
  readonly ready?: boolean;
  /** Called when a key's last event has left, and when a delivery failed (not when ended by `setReady(false)`). */
  readonly settled?: (key: string) => void;
  /** Runs the first delivery after the current event loop iteration. Default setImmediate. */
  readonly defer?: (run: () => void) => void;
}

/**
 * When an event may have been delivered already: Clock.monotonic() of the first and last attempt, or of when an earlier
 * process could have sent it.
 */
export interface EarlierAttempts {
  readonly first: number;
  readonly last: number;
}

/** Figures of an outbox; all but `depth` count since the start. */
export interface OutboxStats {
  /** Number of events in the outbox, including those being delivered. */
  depth: number;
  published: number;
  /** Milliseconds from raising to acknowledgement, summed over all published events. */
  waited: number;
  coalesced: number;
  retries: number;
  dropped: number;
}

interface Entry {
  event: DispatcherEvent;
  readonly order: number;
  readonly since: number;
  /** Set when the event may have been delivered already: then it must keep its ID and must not be merged. */
  earlier: { first: number; last: number } | undefined;
}

interface KeyQueue {
  readonly key: string;
  readonly entries: Entry[];
  /** Number of the current delivery; 0: none. */
  attempt: number;
  failures: number;
  cancelTimer: (() => void) | undefined;
}

/** Position of a queue in the order of delivery. Outdated when the first event of the queue has changed. */
interface ReadyQueue {
  readonly queue: KeyQueue;
  readonly order: number;
}

/**
 * Events waiting for one target, in memory, bounded, and in order for each key. An event leaves when its delivery is
 * acknowledged; otherwise it is retried with back-off. Only one delivery for each key runs at a time, so events of a
 * key never overtake each other, while different keys are delivered in parallel, oldest first. Delivery is at least
 * once, with IDs to recognise repetitions.
 */
export class Outbox {
  private readonly queues = new Map<string, KeyQueue>();
  private readonly ready = new ReadyHeap<ReadyQueue>((next) => next.order);
  private readonly mergeable = new Set<KeyQueue>();
  private readonly flying = new Set<KeyQueue>();
  private readonly waiting = new Set<KeyQueue>();
  private waiters: (() => void)[] = [];
  private journal: OutboxJournal | undefined;
  private count = 0;
  private order = 0;
  private attempts = 0;
  private isReady: boolean;
  private stopped = false;
  private pumpDeferred = false;
  /** Number of keys whose first event has failed at least once. */
  private failing = 0;
  private readonly lines: OutboxLog;
  private published = 0;
  private waited = 0;
  private coalesced = 0;
  private retries = 0;
  private dropped = 0;

  constructor(private readonly options: OutboxOptions) {
    this.isReady = options.ready ?? true;
    this.lines = new OutboxLog(options.name, options.log, options.clock);
  }

  /**
   * Adds an event without blocking; it is delivered in a later event loop iteration. After `stop` it counts as dropped.
   * `sentSince`: Clock.monotonic() from which another process may have delivered it.
   */
  add(event: DispatcherEvent, sentSince?: number): void {
    if (this.stopped) {
      this.dropped++;
      return;
    }
    const queue = this.queueOf(event.key);
    const since = this.options.clock.monotonic();
    const earlier = sentSince === undefined ? undefined : { first: sentSince, last: since };
    this.journal?.append(event.id, JSON.stringify(event));
    this.enter(queue, { event, order: ++this.order, since, earlier });
    if (this.count > this.options.limit) this.makeRoom(queue);
  }

  /**
   * From now on also stores events on disk, and adds those an earlier process left there; call it before anything is
   * added. Those may have been delivered already, at the earliest when they were raised, by the system clock. Returns
   * them.
   */
  keepIn(journal: OutboxJournal): readonly DispatcherEvent[] {
    const { clock } = this.options;
    this.journal = journal;
    const events: DispatcherEvent[] = [];
    for (const { id, text } of journal.left) {
      const event = storedEvent(text);
      if (event === undefined) {
        journal.remove(id);
        continue;
      }
      const raised = Date.parse(String(event.params['time']));
      const age = Number.isNaN(raised) ? Number.POSITIVE_INFINITY : Math.max(0, clock.now() - raised);
      const since = clock.monotonic();
      this.enter(this.queueOf(event.key), {
        event,
        order: ++this.order,
        since,
        earlier: { first: since - age, last: since },
      });
      events.push(event);
    }
    return events;
  }

  private enter(queue: KeyQueue, entry: Entry): void {
    queue.entries.push(entry);
    this.count++;
    this.noteMergeable(queue);
    if (queue.entries.length === 1) this.lineUp(queue);
    this.deferPump();
  }

  private queueOf(key: string): KeyQueue {
    let queue = this.queues.get(key);
    if (queue === undefined) {
      queue = { key, entries: [], attempt: 0, failures: 0, cancelTimer: undefined };
      this.queues.set(key, queue);
    }
    return queue;
  }

  /** The counts since the start, and how many events wait. */
  stats(): OutboxStats {
    const { count: depth, published, waited, coalesced, retries, dropped } = this;
    return { depth, published, waited, coalesced, retries, dropped };
  }

  /** Milliseconds for which the oldest event has waited; loops over all keys. */
  lag(): number {
    const now = this.options.clock.monotonic();
    let oldest = now;
    for (const queue of this.queues.values()) oldest = Math.min(oldest, queue.entries[0]?.since ?? now);
    return now - oldest;
  }

  /** Whether there is an event of this key. */
  holds(key: string): boolean {
    return this.queues.has(key);
  }

  /** Number of events in the outbox. */
  get depth(): number {
    return this.count;
  }

  /**
   * Sets whether the connection to the target works. False ends running deliveries with unknown result: they are
   * repeated. True ends all back-offs.
   */
  setReady(ready: boolean): void {
    if (this.isReady === ready) return;
    this.isReady = ready;
    if (ready) {
      for (const queue of [...this.waiting]) this.rejoin(queue);
      this.deferPump();
    } else {
      for (const queue of [...this.flying]) this.settle(queue, queue.attempt, new Error('connection lost'));
    }
  }

  /** Resolves when the outbox is empty, or after `timeoutMs`; returns the number of remaining events. */
  drain(timeoutMs: number): Promise<number> {
    if (this.count === 0 || this.stopped) return Promise.resolve(this.count);
    return new Promise((resolve) => {
      const finish = () => {
        cancel();
        this.waiters = this.waiters.filter((each) => each !== finish);
        resolve(this.count);
      };
      const cancel = this.options.clock.schedule(timeoutMs, finish);
      this.waiters.push(finish);
    });
  }

  /** Drops everything and stops all timers; returns the number of undelivered events. */
  stop(): number {
    this.stopped = true;
    for (const queue of this.queues.values()) queue.cancelTimer?.();
    const left = this.count;
    this.queues.clear();
    this.ready.clear();
    this.mergeable.clear();
    this.flying.clear();
    this.waiting.clear();
    this.count = 0;
    this.dropped += left;
    for (const finish of this.waiters) finish();
    return left;
  }

  private deferPump(): void {
    if (this.pumpDeferred || !this.isReady || this.stopped) return;
    this.pumpDeferred = true;
    (this.options.defer ?? setImmediate)(() => {
      this.pumpDeferred = false;
      this.pump();
    });
  }

  private pump(): void {
    const window = this.options.window ?? 128;
    while (this.isReady && !this.stopped && this.flying.size < window) {
      const next = this.ready.pop();
      if (next === undefined) return;
      const { queue, order } = next;
      const entry = queue.entries[0];
      if (entry?.order === order && queue.attempt === 0 && !this.waiting.has(queue)) this.send(queue, entry);
    }
  }

  private send(queue: KeyQueue, entry: Entry): void {
    const attempt = ++this.attempts;
    queue.attempt = attempt;
    const now = this.options.clock.monotonic();
    const earlier = entry.earlier && { ...entry.earlier };
    if (entry.earlier === undefined) entry.earlier = { first: now, last: now };
    else entry.earlier.last = now;
    this.noteMergeable(queue);
    this.flying.add(queue);
    const timeout = this.options.attemptTimeout ?? 10_000;
    queue.cancelTimer = this.options.clock.schedule(timeout, () => {
      this.settle(queue, attempt, new Error(`not acknowledged within ${timeout} ms`));
    });
    let delivery: Promise<void>;
    try {
      delivery = this.options.deliver(entry.event, earlier);
    } catch (error) {
      delivery = Promise.reject(error);
    }
    delivery.then(
      () => this.settle(queue, attempt),
      (error: unknown) => this.settle(queue, attempt, error ?? new Error('failed')),
    );
  }

  /** A delivery has ended. The result is ignored if the delivery was given up before. */
  private settle(queue: KeyQueue, attempt: number, error?: unknown): void {
    if (this.stopped || attempt === 0 || queue.attempt !== attempt) return;
    queue.attempt = 0;
    queue.cancelTimer?.();
    queue.cancelTimer = undefined;
    this.flying.delete(queue);
    if (error === undefined) {
      this.published++;
      this.waited += this.options.clock.monotonic() - (queue.entries[0] as Entry).since;
      this.leave(queue);
      if (this.failing === 0) this.lines.recovered(this.count);
    } else {
      if (queue.failures++ === 0) this.failing++;
      this.lines.failed(error, this.count);
      if (queue.failures >= (this.options.maxAttempts ?? Number.POSITIVE_INFINITY)) {
        this.dropped++;
        this.leave(queue);
      } else {
        this.retries++;
        this.retryLater(queue);
        if (this.isReady) this.options.settled?.(queue.key);
      }
    }
    this.deferPump();
  }

  /** The first event of a queue is finished. */
  private leave(queue: KeyQueue): void {
    const gone = queue.entries.shift();
    if (gone !== undefined) this.journal?.remove(gone.event.id);
    if (queue.failures > 0) this.failing--;
    queue.failures = 0;
    this.count--;
    this.noteMergeable(queue);
    if (queue.entries.length > 0) this.lineUp(queue);
    else {
      this.queues.delete(queue.key);
      this.options.settled?.(queue.key);
    }
    if (this.count === 0) for (const finish of this.waiters) finish();
  }

  private retryLater(queue: KeyQueue): void {
    this.waiting.add(queue);
    if (!this.isReady) return;
    const { first, max } = this.options.backoff ?? { first: 100, max: 5000 };
    const delay = Math.min(max, first * 2 ** Math.min(queue.failures - 1, 30));
    queue.cancelTimer = this.options.clock.schedule(delay, () => {
      this.rejoin(queue);
      this.deferPump();
    });
  }

  private rejoin(queue: KeyQueue): void {
    if (!this.waiting.delete(queue)) return;
    queue.cancelTimer?.();
    queue.cancelTimer = undefined;
    this.lineUp(queue);
  }

  private lineUp(queue: KeyQueue): void {
    const first = queue.entries[0];
    if (first !== undefined) this.ready.push({ queue, order: first.order });
  }

  private noteMergeable(queue: KeyQueue): void {
    const { length } = queue.entries;
    const isFree = length >= 2 && queue.entries[length - 1]?.earlier === undefined;
    if (isFree && queue.entries[length - 2]?.earlier === undefined) this.mergeable.add(queue);
    else this.mergeable.delete(queue);
  }

  /** Merges two events of one key that were never sent: of `grown` if possible, else of the one waiting longest. */
  private makeRoom(grown: KeyQueue): void {
    const queue = this.mergeable.has(grown) ? grown : this.mergeable.values().next().value;
    if (queue !== undefined) {
      const newer = queue.entries.pop() as Entry;
      const older = queue.entries[queue.entries.length - 1] as Entry;
      const { journal } = this;
      journal?.remove(newer.event.id);
      journal?.remove(older.event.id);
      older.event = mergeEvents(older.event, newer.event);
      journal?.append(older.event.id, JSON.stringify(older.event));
      this.count--;
      this.coalesced++;
      this.noteMergeable(queue);
      this.lines.merged(this.options.limit, this.coalesced);
    } else if (this.count > (this.options.hardLimit ?? Number.POSITIVE_INFINITY)) this.dropOldest();
  }

  private dropOldest(): void {
    for (const queue of this.queues.values()) {
      if (queue.attempt !== 0) continue;
      this.dropped++;
      if (this.waiting.delete(queue)) queue.cancelTimer?.();
      queue.cancelTimer = undefined;
      this.leave(queue);
      break;
    }
    // Removing events leaves outdated positions in `ready`; they are removed when they are the majority.
    if (this.ready.size > 2 * this.queues.size + 64) {
      this.ready.clear();
      for (const queue of this.queues.values()) if (queue.attempt === 0 && !this.waiting.has(queue)) this.lineUp(queue);
    }
  }
}
