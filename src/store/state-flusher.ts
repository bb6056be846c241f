import type { Clock } from '../core/clock.js';
import { messageOf, SwitchyardError } from '../core/errors.js';
import { nextIteration } from '../core/event-loop.js';
import type { Logger } from '../core/logger.js';
import type { Service } from '../core/service.js';
import { within } from '../core/within.js';
import type { Destination, Health, HealthState } from '../engine/destination.js';
import type { StateTable } from '../engine/state.js';
import type { DestinationStore } from './store.js';

/** Options of a flusher. */
export interface StateFlusherOptions {
  readonly partition: string;
  readonly store: DestinationStore;
  /** The destinations of the partition's current snapshot. */
  readonly destinations: () => Iterable<Destination>;
  readonly changes: Pick<StateTable, 'onChange'>;
  readonly clock: Clock;
  /** A logger that adds the partition to each line. */
  readonly logger: Logger;
  /** Milliseconds after which a changed state is written. */
  readonly intervalMs: number;
  /** Whether this process writes the table now; default: yes. Until then changes stay marked. */
  readonly enabled?: (() => boolean) | undefined;
  /** Maximum milliseconds `stop` may take. Default 5000. */
  readonly stopMs?: number;
}

/** Only the reason, without the name of the database, which is in the log line already. */
function causeOf(error: unknown, where: string): string {
  const text = messageOf(error);
  const database = /^(\S+): /.exec(text);
  return database !== null && where.includes(database[1] as string) ? text.slice(database[0].length) : text;
}

/** States written in one transaction, so that a table is not locked for long. */
const BATCH = 5000;
/** Destinations examined per event loop iteration: about a millisecond. */
const DESTINATIONS_PER_ITERATION = 4000;
const FIRST_RETRY = 1000;
const LONGEST_RETRY = 60_000;

/**
 * Writes the changed states of one partition back to its store, in batches; calls do not wait for it. The dirty flags
 * of the destinations are the queue: what cannot be written stays marked, and the latest state wins.
 */
export class StateFlusher implements Service {
  readonly name: string;
  /** For metrics. */
  readonly counters = { flushes: 0, written: 0, failures: 0 };
  private timer: (() => void) | undefined;
  private unsubscribe: (() => void) | undefined;
  private running: Promise<boolean> | undefined;
  private failuresInARow = 0;
  /** The store did not answer within the time an operator waited, and still has not. */
  private isLate = false;
  private refused = false;
  /** Clock.monotonic() of the oldest unwritten state; undefined when all are written. */
  private behindSince: number | undefined;
  /** Healths marked since the last loop over all destinations, and the result of that loop; for metrics. */
  private marked = new Set<Health>();

  constructor(private readonly options: StateFlusherOptions) {
    this.name = `state flusher of partition ${options.partition}`;
  }

  /** Whether the last attempt failed and another one is scheduled. */
  get failing(): boolean {
    return this.failuresInARow > 0;
  }

  /** Whether the store reported that it cannot be written. */
  get readOnly(): boolean {
    return !this.options.store.writable || this.refused;
  }

  /** Milliseconds for which the oldest unwritten state has waited; 0 when all are written. */
  get lagMs(): number {
    return this.behindSince === undefined || !this.isEnabled ? 0 : this.options.clock.monotonic() - this.behindSince;
  }

  /** Number of unwritten states. */
  get pendingCount(): number {
    return this.isEnabled ? this.marked.size : 0;
  }

  private get isEnabled(): boolean {
    return this.options.enabled?.() !== false;
  }

  /** The process that writes the table may have changed: if it is this one now, it writes the marked states soon. */
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
   * Call it after the table was read: where destinations have another state than their rows, for example after a table
   * was refilled, the rows are updated.
   */
  async tableRead(): Promise<void> {
    if (this.unsubscribe === undefined) return;
    // A flush in progress writes to the old rows, and must not remove the marks made here.
    if (this.running !== undefined) await this.running;
    await this.look(({ health, row }) => {
      if (health.state === row.state) return;
      health.dirty = true;
      this.marked.add(health);
    });
    if (this.marked.size > 0) this.behind();
  }

  /** Writes the remaining states within `stopMs`. */
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
   * Writes all changes for an operator who waits: true when that succeeded within `limitMs`. Otherwise writing
   * continues.
   */
  async writeThrough(limitMs: number): Promise<boolean> {
    if (!this.options.store.writable || this.marked.size === 0) return true;
    // A failing store is retried when its back-off ends, which commands must not change.
    if (this.failing || this.isLate) return false;
    const isWritten = await within(this.options.clock, limitMs, this.flush());
    // Until the store has answered, no other command waits for it.
    this.isLate = isWritten === undefined && this.running !== undefined;
    return isWritten === true;
  }

  /** Writes all changed states now. True when nothing is left to write. Never throws. */
  async flush(): Promise<boolean> {
    if (!this.options.store.writable || !this.isEnabled) return true;
    // A flush in progress may have read a state before it changed again.
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

  /** Loops over all destinations in several event loop iterations. */
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
    // States that changed while they were being written have set the timer.
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
