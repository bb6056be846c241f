import { messageOf } from '../../core/errors.js';
import type { PvarValue } from '../../pvar/context.js';
import type { ScriptEnvironment } from '../../script/environment.js';
import type { SqlDatabase } from '../../script/services.js';

type Row = Readonly<Record<string, PvarValue>>;

interface Waiting {
  readonly table: string;
  readonly row: Row;
}

/** Maximum number of rows that wait for the database; beyond that the oldest is dropped and counted. */
const MAX_WAITING = 20_000;
/** Maximum number of rows in one statement. */
const BATCH = 50;
/** Milliseconds between two attempts while the database cannot be reached. */
const RETRY = 2000;

/**
 * Writes accounting rows to a database in order; nothing waits for it. Rows are kept while the database cannot be
 * reached.
 */
export class AccWriter {
  dropped = 0;
  private readonly waiting: Waiting[] = [];
  private busy = false;
  /** The writing under way. */
  private work: Promise<void> = Promise.resolve();
  private closing = false;
  /** Number of rows to write one by one, since their table refused one of them. */
  private alone = 0;
  private database: SqlDatabase | undefined;

  constructor(private readonly url: string) {}

  /** Number of rows that wait. */
  get depth(): number {
    return this.waiting.length;
  }

  /** Adds a row; when too many wait, the oldest is dropped and counted. */
  add(env: ScriptEnvironment, table: string, row: Row): void {
    if (this.waiting.length >= MAX_WAITING) {
      this.waiting.shift();
      if (this.dropped++ % 1000 === 0)
        env.log.error({ dropped: this.dropped }, 'acc: rows are dropped: the database cannot be reached');
    }
    this.waiting.push({ table, row });
    if (!this.busy) this.work = this.write(env);
  }

  /**
   * Writes the remaining rows, as far as the database accepts them now. Called once, before the database is closed.
   * Never rejects.
   */
  private async close(env: ScriptEnvironment): Promise<void> {
    this.closing = true;
    await this.work;
    for (let left = Number.POSITIVE_INFINITY; this.waiting.length > 0 && this.waiting.length < left; ) {
      left = this.waiting.length;
      await this.write(env);
    }
    if (this.waiting.length > 0)
      env.log.error(
        { rows: this.waiting.length },
        'acc: rows are lost: the database did not accept them before the end',
      );
  }

  private async write(env: ScriptEnvironment): Promise<void> {
    this.busy = true;
    try {
      if (this.database === undefined) {
        this.database = env.services.database(this.url);
        env.services.beforeClosing?.(() => this.close(env));
      }
      while (this.waiting.length > 0) {
        const batch = this.next();
        try {
          await this.database.insert(
            (batch[0] as Waiting).table,
            batch.map(({ row }) => row),
          );
        } catch (error) {
          if (isRetryable(error) || !this.narrowed(batch)) throw error;
          continue;
        }
        if (this.alone > 0) this.alone--;
        // Rows of the batch may have been dropped meanwhile.
        while (batch.includes(this.waiting[0] as Waiting)) this.waiting.shift();
      }
      this.busy = false;
    } catch (error) {
      const retryable = isRetryable(error);
      env.peerLog.error(
        { err: messageOf(error), waiting: this.waiting.length, retryable },
        'acc: rows cannot be written',
      );
      // The table refuses this row and will do so later too; it must not delay the others.
      if (!retryable) {
        this.waiting.shift();
        this.dropped++;
        if (this.alone > 0) this.alone--;
      }
      if (this.closing) return;
      env.clock.schedule(retryable ? RETRY : 0, () => {
        if (this.closing) return;
        if (this.waiting.length > 0) this.work = this.write(env);
        else this.busy = false;
      });
    }
  }

  /**
   * Changes what is written next after the table refused a batch: its rows one by one, a single row with empty text for
   * nulls. False when nothing is left to change.
   */
  private narrowed(batch: readonly Waiting[]): boolean {
    const [first] = batch;
    if (batch.length > 1) {
      this.alone = batch.length;
      return true;
    }
    if (first === undefined || !Object.values(first.row).includes(null)) return false;
    const row = Object.fromEntries(Object.entries(first.row).map(([name, value]) => [name, value ?? '']));
    // It may have been dropped meanwhile.
    if (this.waiting[0] === first) this.waiting[0] = { ...first, row };
    return true;
  }

  /** The first rows that have the same table and columns, as one batch. */
  private next(): Waiting[] {
    const [first] = this.waiting;
    if (first === undefined) return [];
    const columns = Object.keys(first.row).join();
    const batch = [first];
    if (this.alone > 0) return batch;
    for (const each of this.waiting.slice(1, BATCH)) {
      if (each.table !== first.table || Object.keys(each.row).join() !== columns) break;
      batch.push(each);
    }
    return batch;
  }
}

function isRetryable(error: unknown): boolean {
  return (error as { retryable?: unknown }).retryable === true;
}
