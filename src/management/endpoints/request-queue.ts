import type { Clock } from '../../core/clock.js';
import { nextIteration } from '../../core/event-loop.js';
import { Queue } from '../../core/queue.js';

/** Options of a request queue. */
export interface RequestQueueOptions<Item> {
  readonly clock: Clock;
  /** Runs a request. Must not reject. */
  readonly run: (item: Item) => Promise<void>;
  /** Identifier of a request's sender, whose requests run one after the other; '': unknown. */
  readonly sender: (item: Item) => string;
  /** Called for a request that is not run because too many are in progress. */
  readonly refuse: (item: Item) => void;
  readonly pause: () => void;
  readonly resume: () => void;
}

/** Requests run per event loop iteration, since one read may contain thousands. */
const RUN_PER_ITERATION = 16;
/** With more queued requests than this, reading pauses. */
const MAX_QUEUED = 128;
/** Maximum number of requests that wait for a database etc.; further ones are refused. */
const MAX_WAITING = 1024;
/** Milliseconds the next request waits for the one before it; the index is the number of requests already waiting. */
const GRACE: readonly number[] = [100, 20, 20, 20];

/**
 * Runs requests in the order in which they were written. One that takes long, because a partition's database does not
 * answer, delays only requests of its own sender; the others continue after a short wait.
 */
export class RequestQueue<Item> {
  private readonly queue = new Queue<Item>();
  /** The last running request of each sender. */
  private readonly senders = new Map<string, Promise<void>>();
  private readonly waiting = new Set<Promise<void>>();
  private working: Promise<void> | undefined;
  private stopped = false;

  constructor(private readonly options: RequestQueueOptions<Item>) {}

  /** Appends requests. The reader is paused while too many are queued. */
  add(items: readonly Item[]): void {
    for (const item of items) this.queue.push(item);
    if (this.queue.length > MAX_QUEUED) this.options.pause();
    if (this.queue.length === 0 || this.working !== undefined || this.stopped) return;
    this.working = this.work().finally(() => {
      this.working = undefined;
      this.add([]);
    });
  }

  /** Begins no more requests. Resolves when the running ones have ended, or after `graceMs` milliseconds. */
  async stop(graceMs = 1000): Promise<void> {
    this.stopped = true;
    await this.working;
    await this.within(graceMs, Promise.all(this.waiting));
  }

  private async work(): Promise<void> {
    let sincePause = 0;
    for (let item = this.queue.shift(); item !== undefined && !this.stopped; item = this.queue.shift()) {
      if (this.waiting.size >= MAX_WAITING) this.options.refuse(item);
      else await this.begin(item);
      if (++sincePause % RUN_PER_ITERATION === 0) await nextIteration();
      if (this.queue.length <= MAX_QUEUED / 2) this.options.resume();
    }
  }

  /** Begins a request, and waits a while for its end. */
  private async begin(item: Item): Promise<void> {
    const { run, sender } = this.options;
    const name = sender(item);
    const before = name === '' ? undefined : this.senders.get(name);
    const done = before === undefined ? run(item) : before.then(() => run(item));
    if (name !== '') this.senders.set(name, done);
    let ended = false;
    this.waiting.add(done);
    const end = done.finally(() => {
      ended = true;
      this.waiting.delete(done);
      if (this.senders.get(name) === done) this.senders.delete(name);
    });
    const grace = before === undefined ? (GRACE[this.waiting.size - 1] ?? 0) : 0;
    if (grace > 0) await this.within(grace, end);
    else if (!ended) await nextIteration();
  }

  private within(ms: number, work: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.options.clock.schedule(ms, resolve);
      void work.then(() => {
        cancel();
        resolve();
      });
    });
  }
}
