import { messageOf } from '../../core/errors.js';
import type { PvarValue } from '../../pvar/context.js';
import type { ScriptEnvironment } from '../../script/environment.js';
import type { SqlDatabase } from '../../script/services.js';

type Row = Readonly<Record<string, PvarValue>>;

/** Rows that wait for the database at most; the oldest beyond are dropped and counted. */
const MOST_WAITING = 20_000;
/** Rows one statement writes. */
const BATCH = 50;
/** Milliseconds between two tries while the database is away. */
const RETRY = 2000;

/** Writes accounting rows to a database, in order, without anybody waiting for it. Rows are kept while it is away. */
export class AccWriter {
  dropped = 0;
  private readonly waiting: { readonly table: string; readonly row: Row }[] = [];
  private busy = false;
  private database: SqlDatabase | undefined;

  constructor(private readonly url: string) {}

  /** Rows that wait. */
  get depth(): number {
    return this.waiting.length;
  }

  /** Adds a row at the end; where too many wait the oldest is dropped and counted. */
  add(env: ScriptEnvironment, table: string, row: Row): void {
    if (this.waiting.length >= MOST_WAITING) {
      this.waiting.shift();
      if (this.dropped++ % 1000 === 0)
        env.log.error({ dropped: this.dropped }, 'acc: rows are dropped, the database is away');
    }
    this.waiting.push({ table, row });
    if (!this.busy) void this.write(env);
  }

  private async write(env: ScriptEnvironment): Promise<void> {
    this.busy = true;
    try {
      this.database ??= env.services.database(this.url);
      while (this.waiting.length > 0) {
        const batch = this.next();
        await this.database.insert(
          (batch[0] as { table: string }).table,
          batch.map(({ row }) => row),
        );
        this.waiting.splice(0, batch.length);
      }
      this.busy = false;
    } catch (error) {
      const retryable = (error as { retryable?: unknown }).retryable === true;
      env.peerLog.error(
        { err: messageOf(error), waiting: this.waiting.length, retryable },
        'acc: rows cannot be written',
      );
      // What the table does not take will not be taken later: one row must not hold up the others.
      if (!retryable) {
        this.waiting.shift();
        this.dropped++;
      }
      env.clock.schedule(retryable ? RETRY : 0, () => {
        if (this.waiting.length > 0) void this.write(env);
        else this.busy = false;
      });
    }
  }

  /** Rows from the first on that go to the same columns of the same table. */
  private next(): { readonly table: string; readonly row: Row }[] {
    const [first] = this.waiting;
    if (first === undefined) return [];
    const columns = Object.keys(first.row).join();
    const batch = [first];
    for (const each of this.waiting.slice(1, BATCH)) {
      if (each.table !== first.table || Object.keys(each.row).join() !== columns) break;
      batch.push(each);
    }
    return batch;
  }
}
