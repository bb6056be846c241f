import type { Clock } from '../core/clock.js';
import { messageOf, SwitchyardError } from '../core/errors.js';
import { nextIteration } from '../core/event-loop.js';
import type { Logger } from '../core/logger.js';
import type { Service } from '../core/service.js';
import { within } from '../core/within.js';
import type { Destination, Health, HealthState } from '../engine/destination.js';
import type { StateTable } from '../engine/state.js';
import type { DestinationStore } from './store.js';

/** What a flusher is made with. */
export interface StateFlusherOptions {
  readonly partition: string;
  readonly store: DestinationStore;
  /** The destinations of the partition's current snapshot. */
  readonly destinations: () => Iterable<Destination>;
  readonly changes: Pick<StateTable, 'onChange'>;
  readonly clock: Clock;
  /** Says the partition with each line itself. */
  readonly logger: Logger;
  /** Milliseconds after which a changed state is written. */
  readonly intervalMs: number;
  /** Whether this process is the one that writes the table now; default: it is. Marks are kept until it is. */
  readonly enabled?: (() => boolean) | undefined;
  /** Most milliseconds `stop` may take. Default 5000. */
  readonly stopMs?: number;
}

/** The reason alone: an error of the store says which database it is of, as the line does. */
function causeOf(error: unknown, where: string): string {
  const text = messageOf(error);
  const database = /^(\S+): /.exec(text);
  return database !== null && where.includes(database[1] as string) ? text.slice(database[0].length) : text;
}

/** States written in one transaction, so that a table is never locked for long. */
const BATCH = 5000;
/** Destinations examined per event loop iteration: about a millisecond. */
const DESTINATIONS_PER_ITERATION = 4000;
const FIRST_RETRY = 1000;
const LONGEST_RETRY = 60_000;

/**
 * Writes changed states of one partition back to its store, in batches and outside the path of a call. The dirty flags
 * of the destinations are the queue: what cannot be written stays marked, and the latest state wins.
 */
export class StateFlusher implements Service {
  readonly name: string;
  /** For metrics; only ever grow. */
  readonly counters = { flushes: 0, written: 0, failures: 0 };
  private timer: (() => void) | undefined;
  private unsubscribe: (() => void) | undefined;
  private running: Promise<boolean> | undefined;
  private failuresInARow = 0;
  /** The store has kept an operator waiting, and has not answered yet. */
  private isLate = false;
  private refused = false;
  /** Clock.monotonic() of the oldest state not written yet; undefined when all are. */
  private behindSince: number | undefined;
  /** Marked since the last look, and what that look found: for metrics. */
  private marked = new Set<Health>();

  constructor(private readonly options: StateFlusherOptions) {
    this.name = `state flusher of partition ${options.partition}`;
  }

  /** Whether the last attempt failed and another one is scheduled. */
  get failing(): boolean {
    return this.failuresInARow > 0;
  }

  /** Whether the store said that it cannot be written to. */
  get readOnly(): boolean {
    return !this.options.store.writable || this.refused;
  }

  /** Milliseconds the oldest state not written yet has waited; 0 when all are written. */
  get lagMs(): number {
    return this.behindSince === undefined || !this.isEnabled ? 0 : this.options.clock.monotonic() - this.behindSince;
  }

  /** States not written yet. */
  get pendingCount(): number {
    return this.isEnabled ? this.marked.size : 0;
  }

  private get isEnabled(): boolean {
    return this.options.enabled?.() !== false;
  }

  /** Whoever wrote the table may have changed: what is marked here is written soon, should it be this process now. */
  enabledChanged(): void {
    if (this.unsubscribe !== undefined && this.marked.size > 0) this.behind();
  }

  async start(): Promise<void> {
    const { changes, partition, store } = this.options;
    if (!store.writable || this.unsubscribe !== undefined) return;
    this.unsubscribe = changes.onChange((change) => {
      const { health } = change.destination;
      if (change.destination.partition !== partition || !health.dirty) return;
      this.marked.add(health);
      this.behind();
    });
    for (const { health } of this.options.destinations()) if (health.dirty) this.marked.add(health);
    if (this.marked.size > 0) this.behind();
  }

  /**
   * To be called after the table was read: where destinations kept another state than the rows have, as when a table was
   * filled anew, the table is brought up to them.
   */
  async tableRead(): Promise<void> {
    if (this.unsubscribe === undefined) return;
    // A run under way writes to rows as they were, and must not take back the marks made here.
    if (this.running !== undefined) await this.running;
    await this.look(({ health, row }) => {
      if (health.state === row.state) return;
      health.dirty = true;
      this.marked.add(health);
    });
    if (this.marked.size > 0) this.behind();
  }

  /** Writes what is still to be written, within its time. */
  async stop(): Promise<void> {
    this.unsubscribe?.();
    this.unsubscribe = undefined;
    this.cancelTimer();
    const { clock, logger, stopMs = 5000 } = this.options;
    const written = await within(clock, stopMs, this.flush());
    this.cancelTimer();
    if (written !== true) logger.warn({ unwritten: this.marked.size }, `${this.name}: states are lost`);
  }

  /**
   * Has what was changed until now written, for an operator who waits for it: whether it was, within `limitMs`. What takes longer
   * goes on by itself.
   */
  async writeThrough(limitMs: number): Promise<boolean> {
    if (!this.options.store.writable || this.marked.size === 0) return true;
    // A failing store is retried when its back-off ends: an operator must neither shorten nor lengthen that.
    if (this.failing || this.isLate) return false;
    const isWritten = await within(this.options.clock, limitMs, this.flush());
    // Until the store has answered, no other command waits for it.
    this.isLate = isWritten === undefined && this.running !== undefined;
    return isWritten === true;
  }

  /** Writes all changed states now. True when nothing is left to write. Never throws. */
  async flush(): Promise<boolean> {
    if (!this.options.store.writable || !this.isEnabled) return true;
    // A run under way may have read a state before it changed again.
    if (this.running !== undefined) await this.running;
    this.running ??= this.run().finally(() => {
      this.running = undefined;
      this.isLate = false;
    });
    return this.running;
  }

  private async run(): Promise<boolean> {
    this.cancelTimer();
    try {
      await this.writeAll();
    } catch (error) {
      this.failed(error);
      return false;
    }
    this.succeeded();
    return true;
  }

  private async writeAll(): Promise<void> {
    const pending: Destination[] = [];
    this.marked.clear();
    await this.look((destination) => {
      if (!destination.health.dirty) return;
      pending.push(destination);
      this.marked.add(destination.health);
    });
    if (pending.length > 0) this.counters.flushes++;
    for (let i = 0; i < pending.length; i += BATCH) {
      const batch: { destination: Destination; state: HealthState }[] = [];
      for (const destination of pending.slice(i, i + BATCH)) {
        batch.push({ destination, state: destination.health.state });
      }
      await this.options.store.saveStates(
        batch.map(({ destination: { row, setId }, state }) => ({ rowId: row.rowId, setId, uri: row.uri, state })),
      );
      this.counters.written += batch.length;
      for (const { destination, state } of batch) {
        if (destination.health.state !== state) continue;
        destination.health.dirty = false;
        this.marked.delete(destination.health);
      }
    }
  }

  /** Goes through all destinations over several event loop iterations. */
  private async look(at: (destination: Destination) => void): Promise<void> {
    let seen = 0;
    for (const destination of this.options.destinations()) {
      at(destination);
      if (++seen % DESTINATIONS_PER_ITERATION === 0) await nextIteration();
    }
  }

  private failed(error: unknown): void {
    const { logger, store } = this.options;
    this.counters.failures++;
    this.failuresInARow++;
    const refused = error instanceof SwitchyardError && error.code === 'STORE_READONLY';
    if (this.failuresInARow === 1 || (refused && !this.refused)) {
      const kept = refused ? 'cannot be written to, states are kept in memory' : 'states not written, will retry';
      const cause = causeOf(error, store.description);
      logger.warn({ cause }, `${store.description}: ${kept}`);
    }
    this.refused ||= refused;
    const delay = Math.min(FIRST_RETRY * 2 ** Math.min(this.failuresInARow - 1, 10), LONGEST_RETRY);
    if (this.unsubscribe !== undefined) this.timer ??= this.schedule(delay);
  }

  private succeeded(): void {
    const { logger, store } = this.options;
    if (this.failuresInARow > 0) {
      const attempts = this.failuresInARow;
      logger.info({ attempts }, `${store.description}: states are written again`);
    }
    this.failuresInARow = 0;
    this.refused = false;
    // What changed again while it was being written has set the timer.
    this.behindSince = this.timer === undefined ? undefined : this.options.clock.monotonic();
  }

  private behind(): void {
    if (!this.isEnabled) return;
    this.behindSince ??= this.options.clock.monotonic();
    this.timer ??= this.schedule(this.options.intervalMs);
  }

  private schedule(delayMs: number): () => void {
    return this.options.clock.schedule(delayMs, () => {
      this.timer = undefined;
      void this.flush();
    });
  }

  private cancelTimer(): void {
    this.timer?.();
    this.timer = undefined;
  }
}
