import { messageOf } from '../../core/errors.js';
import { PeerShare } from '../../core/peer-share.js';
import type { PvarValue } from '../../pvar/context.js';
import type { ScriptEnvironment } from '../../script/environment.js';
import type { SqlDatabase } from '../../script/services.js';

type Row = Readonly<Record<string, PvarValue>>;

interface Waiting {
  /** The source of the call. */
  readonly source: string;
  readonly table: string;
  readonly row: Row;
}

/**
 * Maximum number of rows that wait for the database; beyond that one is dropped and counted: of the source that has
 * caused more than half of them, else the oldest.
 */
const MAX_WAITING = 20_000;
/** How many of the newest rows are searched for one to drop. */
const LOOKED_AT = 100;
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
  /** How many of them the calls of each source have caused. */
  private readonly shares = new PeerShare();
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

  /** Adds a row of a call from a source; when too many wait, a row is dropped and counted. */
  add(env: ScriptEnvironment, table: string, row: Row, source: string): void {
    const { waiting } = this;
    if (waiting.length >= MAX_WAITING) {
      if (this.dropped++ % 1000 === 0)
        env.log.error({ dropped: this.dropped }, 'acc: rows are dropped: the database cannot be reached');
      const hasMost = this.hasMost(source);
      // Its own oldest row makes room, but not that of another source.
      if (hasMost && waiting[0]?.source !== source) {
        env.peers.refused('accounting_rows', source, { held: this.shares.heldBy(source), used: waiting.length });
        return;
      }
      if (hasMost || !this.removeOfMost()) this.removeFirst();
    }
    this.waiting.push({ table, row, source });
    this.shares.add(source);
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

  /** Whether a source has caused more than half of the rows. */
  private hasMost(source: string): boolean {
    return this.shares.heldBy(source) * 2 > this.waiting.length;
  }

  /** Removes one of the newest rows of the source that has caused most of them; false when there is none. */
  private removeOfMost(): boolean {
    const { waiting } = this;
    for (let i = waiting.length - 1; i >= waiting.length - LOOKED_AT && i >= BATCH; i--) {
      const { source } = waiting[i] as Waiting;
      if (!this.hasMost(source)) continue;
      waiting.splice(i, 1);
      this.shares.remove(source);
      return true;
    }
    return false;
  }

  private removeFirst(): void {
    const first = this.waiting.shift();
    if (first !== undefined) this.shares.remove(first.source);
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
        while (batch.includes(this.waiting[0] as Waiting)) this.removeFirst();
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
        this.removeFirst();
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
