import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Knex } from 'knex';

/** The part of libsql's connection that is used here. */
interface Connection {
  exec(sql: string): void;
  close(): void;
}

interface ClientBase {
  readonly connectionSettings: { readonly filename: string };
  readonly driver: new (path: string, options: { timeout: number }) => Connection;
}

const require = createRequire(import.meta.url);

/**
 * Milliseconds SQLite itself waits for a lock. Its calls are synchronous, so waiting there would stop all calls in
 * flight: it is kept short and the pool tries again asynchronously (see pools.ts).
 */
const BUSY_TIMEOUT = 5;

/** knex's better-sqlite3 client over libsql, which has the same interface and comes as a prebuilt binary. */
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
        // Readers and the flusher do not lock each other out, and a commit does not wait for the disk.
        connection.exec('pragma journal_mode = wal; pragma synchronous = normal');
      } catch {
        // A read-only file, or one that is in use in another mode: it works as it is.
      }
      this.inodes.set(connection, inodeOf(filename));
      return connection;
    }

    /** A file that was replaced (by renaming another over it) must not be read through the old handle. */
    validateConnection(connection: Connection): boolean {
      return this.inodes.get(connection) === inodeOf(this.connectionSettings.filename);
    }
  }
  return LibsqlClient as unknown as typeof Knex.Client;
}

function inodeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? -1;
}
