import { createRequire } from 'node:module';
import type { Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import { checkpointAside } from './checkpoint.js';

/** The part of libsql's interface that is used here. */
interface Connection {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

interface Statement {
  run(...values: unknown[]): { readonly changes: number };
  all(...values: unknown[]): unknown[];
}

/** Maximum number of texts of an earlier process that are read. */
const MAX_LEFT = 1_000_000;
/**
 * Milliseconds after which delivered texts are also deleted on disk; after a crash before that they are delivered
 * again, with the same ID.
 */
const FORGET_AFTER = 50;
const CHECKPOINT_EVERY = 60_000;
/** Maximum number of keys whose last delivered text is kept; beyond that, those delivered longest ago are removed. */
const MAX_DELIVERED = 200_000;
const LOG_EVERY = 60_000;

/**
 * Stores texts in an SQLite file, in order, so that undelivered events of an outbox survive the process. Texts appended
 * in one event loop iteration are committed at its end; the operating system then has them, so they survive a SIGKILL.
 * When the disk fails, that is logged, and events are kept in memory only.
 */
export class OutboxFile {
  readonly left: readonly { readonly id: string; readonly text: string }[];
  private readonly database: Connection;
  private readonly insert: Statement;
  private readonly erase: Statement;
  private readonly drop: Statement;
  private readonly keep: Statement;
  private readonly trim: Statement;
  /** Number of keys with a delivered text in the file. */
  private kept: number;
  private appended: { id: string; text: string }[] = [];
  private removed: string[] = [];
  /** Delivered texts by key that are not written yet. */
  private latest = new Map<string, string>();
  private commitDeferred = false;
  private cancelForget: (() => void) | undefined;
  private cancelCheckpoint: (() => void) | undefined;
  private loggedAt = Number.NEGATIVE_INFINITY;
  private closed = false;
  /** Number of failed commits. */
  failures = 0;

  /** Opens or creates the file. Throws the error of SQLite when it cannot be used. */
  constructor(
    readonly path: string,
    private readonly clock: Clock,
    private readonly log: Logger,
    private readonly maxDelivered = MAX_DELIVERED,
  ) {
    const Database = createRequire(import.meta.url)('libsql') as new (path: string, options: object) => Connection;
    const database = new Database(path, { timeout: 5 });
    this.database = database;
    database.exec('pragma journal_mode = wal; pragma synchronous = normal; pragma wal_autocheckpoint = 16384');
    database.exec(
      'create table if not exists outbox (n integer primary key autoincrement, id text not null, body text not null)',
    );
    database.exec('create index if not exists outbox_id on outbox (id)');
    database.exec('create table if not exists delivered (key text primary key, body text not null)');
    this.insert = database.prepare('insert into outbox (id, body) values (?, ?)');
    this.erase = database.prepare('delete from outbox where id = ?');
    this.drop = database.prepare('delete from delivered where key = ?');
    // Each text gets the highest rowid, so the lowest are those delivered longest ago.
    this.keep = database.prepare('insert into delivered (key, body) values (?, ?)');
    this.trim = database.prepare(
      'delete from delivered where rowid in (select rowid from delivered order by rowid limit ?)',
    );
    const [count] = database.prepare('select count(*) as n from delivered').all() as { n: number }[];
    this.kept = this.trimmed(count?.n ?? 0);
    const rows = database.prepare('select id, body from outbox order by n limit ?').all(MAX_LEFT);
    this.left = (rows as { id: string; body: string }[]).map(({ id, body }) => ({ id, text: body }));
    this.checkpointLater();
  }

  /** Adds a text; it is written at the end of the event loop iteration. */
  append(id: string, text: string): void {
    this.appended.push({ id, text });
    if (this.commitDeferred) return;
    this.commitDeferred = true;
    queueMicrotask(() => this.commit());
  }

  /** Removes a text, if there is one. */
  remove(id: string): void {
    // A text added and removed in the same event loop iteration need not be written.
    const at = this.appended.findIndex((each) => each.id === id);
    if (at >= 0) {
      this.appended.splice(at, 1);
      return;
    }
    this.removed.push(id);
    this.commitLater();
  }

  /**
   * Stores a text as the last delivered one of its key; it is written in the same commit as its removal from the
   * waiting texts.
   */
  deliver(key: string, text: string): void {
    this.latest.set(key, text);
    this.commitLater();
  }

  /** The last delivered text of each key, as in the file; none when it cannot be read. */
  delivered(): readonly string[] {
    try {
      const rows = this.database.prepare('select body from delivered').all() as { body: string }[];
      return rows.map(({ body }) => body);
    } catch (error) {
      this.failed(error);
      return [];
    }
  }

  /** Writes pending changes and closes the file. */
  close(): void {
    if (this.closed) return;
    this.cancelForget?.();
    this.cancelCheckpoint?.();
    this.commit();
    this.closed = true;
    this.database.close();
  }

  private commitLater(): void {
    this.cancelForget ??= this.clock.schedule(FORGET_AFTER, () => {
      this.cancelForget = undefined;
      this.commit();
    });
  }

  private commit(): void {
    this.commitDeferred = false;
    const { appended, removed, latest } = this;
    if (this.closed || (appended.length === 0 && removed.length === 0 && latest.size === 0)) return;
    this.appended = [];
    this.removed = [];
    this.latest = new Map();
    try {
      this.database.exec('begin immediate');
      for (const { id, text } of appended) this.insert.run(id, text);
      for (const id of removed) this.erase.run(id);
      let { kept } = this;
      for (const [key, text] of latest) {
        kept += 1 - this.drop.run(key).changes;
        this.keep.run(key, text);
      }
      kept = this.trimmed(kept);
      this.database.exec('commit');
      this.kept = kept;
    } catch (error) {
      this.failed(error);
    }
  }

  /** Removes the delivered texts beyond the maximum, of `kept` in the file; returns how many are left. */
  private trimmed(kept: number): number {
    return kept > this.maxDelivered ? kept - this.trim.run(kept - this.maxDelivered).changes : kept;
  }

  private failed(error: unknown): void {
    this.failures++;
    try {
      this.database.exec('rollback');
    } catch {
      // There was no transaction.
    }
    const now = this.clock.monotonic();
    if (now - this.loggedAt < LOG_EVERY) return;
    this.loggedAt = now;
    this.log.warn(
      { file: this.path, cause: messageOf(error) },
      'events cannot be kept on disk; they are kept in memory',
    );
  }

  private checkpointLater(): void {
    this.cancelCheckpoint = this.clock.schedule(CHECKPOINT_EVERY, () => {
      void checkpointAside(this.path);
      if (!this.closed) this.checkpointLater();
    });
  }
}
