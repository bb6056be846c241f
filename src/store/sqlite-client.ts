import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Knex } from 'knex';

/** The part of libsql's connection that is used here. */
interface Connection {
  exec(sql: string): void;
  close(): void;
}

/** knex's mark of a connection that must not be used again. */
interface Marked {
  __knex__disposed?: unknown;
}

interface ClientBase {
  _query(connection: Connection & Marked, query: object): Promise<object>;
  readonly connectionSettings: { readonly filename: string };
  readonly driver: new (path: string, options: { timeout: number }) => Connection;
}

const require = createRequire(import.meta.url);

/**
 * Milliseconds SQLite itself waits for a lock. Its calls are synchronous and block everything, so this is short, and
 * the pool tries again asynchronously (pools.ts).
 */
const BUSY_TIMEOUT = 5;

/**
 * Pages (4 KiB each) in the write-ahead log from which SQLite does a checkpoint within a commit, on our thread. That is
 * far more than accumulates between two checkpoints in a worker (checkpoint.ts), so it happens only when those fail.
 */
const CHECKPOINT_PAGES = 16_384;

/** knex's better-sqlite3 client with libsql, which has the same interface and is distributed as a prebuilt binary. */
export function sqliteClient(): typeof Knex.Client {
  const Base = require('knex/lib/dialects/better-sqlite3/index.js') as new (config: Knex.Config) => ClientBase;
  class LibsqlClient extends Base {
    private readonly inodes = new WeakMap<Connection, number>();

    _driver(): unknown {
      return require('libsql');
    }

    async acquireRawConnection(): Promise<Connection> {
      const { filename } = this.connectionSettings;
      const connection = new this.driver(filename, { timeout: BUSY_TIMEOUT });
      try {
        // With WAL, readers and the flusher do not lock each other out, and a commit does not wait for the disk.
        connection.exec(
          `pragma journal_mode = wal; pragma synchronous = normal; pragma wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
        );
      } catch {
        // A read-only file, or one in use in another mode, is used as it is.
      }
      this.inodes.set(connection, inodeOf(filename));
      return connection;
    }

    /**
     * After a failed statement, libsql leaves it unfinished until garbage collection; until then the connection sees
     * old data and cannot commit. So the connection is given up.
     */
    override async _query(connection: Connection & Marked, query: object): Promise<object> {
      try {
        return await super._query(connection, query);
      } catch (error) {
        connection.__knex__disposed = error;
        throw error;
      }
    }

    /**
     * A file that was replaced (by renaming another over it) must not be read through the old handle. The handle is
     * closed here, before the new file is opened, since the write-ahead log beside it still belongs to the old one. The
     * pool has no other connection that might use it.
     */
    validateConnection(connection: Connection): boolean {
      if (this.inodes.get(connection) === inodeOf(this.connectionSettings.filename)) return true;
      this.close(connection);
      return false;
    }

    async destroyRawConnection(connection: Connection): Promise<void> {
      this.close(connection);
    }

    private close(connection: Connection): void {
      if (!this.inodes.delete(connection)) return;
      try {
        // Statements that are not garbage-collected yet keep the file open, so closing alone would leave a log.
        connection.exec('pragma wal_checkpoint(truncate)');
      } catch {
        // Another connection is reading, and uses the log too.
      }
      connection.close();
    }
  }
  return LibsqlClient as unknown as typeof Knex.Client;
}

function inodeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? -1;
}
