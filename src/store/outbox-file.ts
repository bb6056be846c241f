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
  run(...values: unknown[]): unknown;
  all(...values: unknown[]): unknown[];
}

/** Texts that an earlier process left are read up to this number. */
const MOST_LEFT = 1_000_000;
/** Milliseconds after which what was delivered is forgotten on disk as well; a crash before that repeats it by its id. */
const FORGET_AFTER = 50;
const CHECKPOINT_EVERY = 60_000;
const LOG_EVERY = 60_000;

/**
 * Texts in an SQLite file, in order, that outlive the process: an outbox keeps there what it has not delivered. What is
 * appended in one event loop iteration is one commit at its end; the system has it then, so that it survives a SIGKILL.
 * A disk that fails costs this safety, said in the log, and nothing else.
 */
export class OutboxFile {
  readonly left: readonly { readonly id: string; readonly text: string }[];
  private readonly database: Connection;
  private readonly insert: Statement;
  private readonly erase: Statement;
  private appended: { id: string; text: string }[] = [];
  private removed: string[] = [];
  private commitDeferred = false;
  private cancelForget: (() => void) | undefined;
  private cancelCheckpoint: (() => void) | undefined;
  private loggedAt = Number.NEGATIVE_INFINITY;
  private closed = false;
  /** Commits that failed. */
  failures = 0;

  /** Opens the file, made where it is missing. Throws what SQLite throws when it cannot be used. */
  constructor(
    readonly path: string,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {
    const Database = createRequire(import.meta.url)('libsql') as new (path: string, options: object) => Connection;
    const database = new Database(path, { timeout: 5 });
    this.database = database;
    database.exec('pragma journal_mode = wal; pragma synchronous = normal; pragma wal_autocheckpoint = 16384');
    database.exec(
      'create table if not exists outbox (n integer primary key autoincrement, id text not null, body text not null)',
    );
    database.exec('create index if not exists outbox_id on outbox (id)');
    this.insert = database.prepare('insert into outbox (id, body) values (?, ?)');
    this.erase = database.prepare('delete from outbox where id = ?');
    const rows = database.prepare('select id, body from outbox order by n limit ?').all(MOST_LEFT);
    this.left = (rows as { id: string; body: string }[]).map(({ id, body }) => ({ id, text: body }));
    this.checkpointLater();
  }

  /** Adds a text; it is on its way to the file at the end of the event loop iteration. */
  append(id: string, text: string): void {
    this.appended.push({ id, text });
    if (this.commitDeferred) return;
    this.commitDeferred = true;
    queueMicrotask(() => this.commit());
  }

  /** Takes out a text, if it is there. */
  remove(id: string): void {
    // A text added and removed in one event loop iteration need not be written at all.
    const at = this.appended.findIndex((each) => each.id === id);
    if (at >= 0) {
      this.appended.splice(at, 1);
      return;
    }
    this.removed.push(id);
    this.cancelForget ??= this.clock.schedule(FORGET_AFTER, () => {
      this.cancelForget = undefined;
      this.commit();
    });
  }

  /** Writes what is to be written and closes the file. */
  close(): void {
    if (this.closed) return;
    this.cancelForget?.();
    this.cancelCheckpoint?.();
    this.commit();
    this.closed = true;
    this.database.close();
  }

  private commit(): void {
    this.commitDeferred = false;
    const { appended, removed } = this;
    if (this.closed || (appended.length === 0 && removed.length === 0)) return;
    this.appended = [];
    this.removed = [];
    try {
      this.database.exec('begin immediate');
      for (const { id, text } of appended) this.insert.run(id, text);
      for (const id of removed) this.erase.run(id);
      this.database.exec('commit');
    } catch (error) {
      this.failed(error);
    }
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
