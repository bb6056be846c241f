import type { Knex } from 'knex';
import type { DatabaseUrl, FileUrl, ServerUrl } from '../config/db-url.js';
import { checkpointAside } from './checkpoint.js';
import { sqliteClient } from './sqlite-client.js';

/** A database that is accessed with knex. */
export type SqlUrl = ServerUrl | (FileUrl & { readonly kind: 'sqlite' });

/** Milliseconds for opening a connection. */
const CONNECT_TIMEOUT = 4000;
/** Seconds a statement waits for another client's lock; the same as for SQLite (pools.ts). */
const LOCK_TIMEOUT = 5;

/** Everything specific to a kind of database. To add one, add a record here and a row to the store's contract test. */
export interface SqlDialect {
  /** The driver's npm package. */
  readonly driver: string;
  /** Maximum number of connections of a pool. */
  readonly connections: number;
  /** Rows read at a time; few if the driver is synchronous and blocks the event loop. */
  readonly sliceRows: number;
  /** A transaction in which all reads see the same data. */
  readonly readTransaction: Knex.TransactionConfig;
  configure(url: SqlUrl): Knex.Config;
  /** Statement sent on each new connection; a server that refuses it is used nevertheless. */
  readonly session?: string;
  /** Work that is better done after a write. Never rejects. */
  readonly written?: (url: SqlUrl) => Promise<void>;
  /** Called after rows were inserted with given IDs, so that the next generated ID is a new one. */
  readonly idsGiven?: (knex: Knex, table: string, id: string) => Promise<void>;
  /** SQL for the number of bytes of the value in `:column:`, of any type, without reading the value itself. */
  readonly valueSize: string;
  /** The names of a table's or view's columns; empty, or an error in `missing`, when it does not exist. */
  columns(knex: Knex, table: string): Promise<string[]>;
  /** Error codes of the driver by their meaning; all others become STORE_FAILED. */
  readonly codes: {
    readonly unreachable: ReadonlySet<string>;
    /** A table or column does not exist, or a file is not a database. */
    readonly missing: ReadonlySet<string>;
    readonly readOnly: ReadonlySet<string>;
    /** Another client holds a lock: a retry may succeed. */
    readonly busy: ReadonlySet<string>;
  };
}

/** The parts of a URL under the names that server drivers use; absent parts get the driver's default. */
function login({ host, port, user, password, database }: ServerUrl): object {
  return {
    host,
    port,
    database,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
  };
}

const MYSQL: SqlDialect = {
  driver: 'mysql2',
  connections: 4,
  sliceRows: 2000,
  valueSize: 'octet_length(:column:)',
  // Without readOnly, since knex would omit the comma that MySQL requires.
  readTransaction: { isolationLevel: 'repeatable read' },
  configure(url) {
    return {
      client: 'mysql2',
      connection: {
        ...login(url as ServerUrl),
        charset: 'utf8mb4',
        connectTimeout: CONNECT_TIMEOUT,
        supportBigNumbers: true,
      },
    };
  },
  session: `set session lock_wait_timeout = ${LOCK_TIMEOUT}, innodb_lock_wait_timeout = ${LOCK_TIMEOUT}`,
  async columns(knex, table) {
    const [, fields] = (await knex.raw('select * from ?? limit 0', [table])) as [unknown, { name: string }[]];
    return fields.map((field) => field.name);
  },
  codes: {
    unreachable: new Set([
      'PROTOCOL_CONNECTION_LOST',
      'ER_ACCESS_DENIED_ERROR',
      'ER_DBACCESS_DENIED_ERROR',
      'ER_BAD_DB_ERROR',
      'ER_CON_COUNT_ERROR',
      'ER_HOST_NOT_PRIVILEGED',
      'ER_HOST_IS_BLOCKED',
      'ER_SERVER_SHUTDOWN',
      'ER_CONNECTION_KILLED',
      'ER_CLIENT_INTERACTION_TIMEOUT',
    ]),
    missing: new Set(['ER_NO_SUCH_TABLE', 'ER_BAD_FIELD_ERROR', 'ER_BAD_TABLE_ERROR']),
    readOnly: new Set([
      'ER_TABLEACCESS_DENIED_ERROR',
      'ER_COLUMNACCESS_DENIED_ERROR',
      'ER_OPTION_PREVENTS_STATEMENT',
      'ER_NON_UPDATABLE_TABLE',
      'ER_NONUPDATEABLE_COLUMN',
      'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION',
      'ER_READ_ONLY_MODE',
      'ER_OPEN_AS_READONLY',
    ]),
    busy: new Set(['ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT', 'ER_CHECKREAD']),
  },
};

const POSTGRES: SqlDialect = {
  driver: 'pg',
  connections: 4,
  // Without current statistics each slice is a scan of the whole table, so slices are large.
  sliceRows: 5000,
  // The stored size. A compressed value may be up to 255 times as long, and would be unpacked by the server.
  valueSize: `case when pg_column_size(:column:) between 257 and 65536
    then octet_length(cast(:column: as text)) else pg_column_size(:column:) end`,
  readTransaction: { isolationLevel: 'repeatable read', readOnly: true },
  configure(url) {
    return {
      client: 'pg',
      connection: {
        ...login(url as ServerUrl),
        application_name: 'switchyard',
        connectionTimeoutMillis: CONNECT_TIMEOUT,
        keepAlive: true,
      },
    };
  },
  session: `set lock_timeout = '${LOCK_TIMEOUT}s'`,
  async idsGiven(knex, table, id) {
    const quoted = table
      .split('.')
      .map((part) => `"${part.replaceAll('"', '""')}"`)
      .join('.');
    // The sequence is null for a column without one; setval then does nothing.
    await knex.raw('select setval(pg_get_serial_sequence(?, ?), (select max(??) from ??))', [quoted, id, id, table]);
  },
  async columns(knex, table) {
    const result = (await knex.raw('select * from ?? limit 0', [table])) as { fields: { name: string }[] };
    return result.fields.map((field) => field.name);
  },
  codes: {
    // Classes 08 (connection exception), 28 (authorization) and 57P (operator intervention); 3D000: no such database.
    unreachable: new Set([
      '08000',
      '08001',
      '08003',
      '08004',
      '08006',
      '08P01',
      '28000',
      '28P01',
      '3D000',
      '53300',
      '57P01',
      '57P02',
      '57P03',
      '57P05',
    ]),
    missing: new Set(['42P01', '42703', '3F000']),
    // 42501: no privilege; 25006: read-only transaction (a standby); 55000: a view that cannot be updated.
    readOnly: new Set(['42501', '25006', '55000']),
    busy: new Set(['40001', '40P01', '55P03']),
  },
};

const SQLITE: SqlDialect = {
  driver: 'libsql',
  // Its calls are synchronous, so several connections would not work in parallel; see also validateConnection in
  // sqlite-client.ts.
  connections: 1,
  sliceRows: 500,
  valueSize: 'octet_length(:column:)',
  // Every SQLite transaction is a snapshot.
  readTransaction: {},
  configure(url) {
    return { client: sqliteClient(), connection: { filename: (url as FileUrl).path }, useNullAsDefault: true };
  },
  written: (url) => checkpointAside((url as FileUrl).path),
  async columns(knex, table) {
    const rows = (await knex.raw('pragma table_info(??)', [table])) as { name: string }[];
    return rows.map((row) => row.name);
  },
  codes: {
    unreachable: new Set(['SQLITE_CANTOPEN', 'SQLITE_IOERR']),
    missing: new Set(['SQLITE_NOTADB', 'SQLITE_CORRUPT']),
    readOnly: new Set(['SQLITE_READONLY', 'SQLITE_PERM', 'SQLITE_AUTH']),
    busy: new Set(['SQLITE_BUSY', 'SQLITE_LOCKED', 'SQLITE_BUSY_SNAPSHOT']),
  },
};

const DIALECTS: Readonly<Record<SqlUrl['kind'], SqlDialect>> = { mysql: MYSQL, postgres: POSTGRES, sqlite: SQLITE };

/** The dialect for a database URL. */
export function dialectOf(url: SqlUrl): SqlDialect {
  return DIALECTS[url.kind];
}

/** Whether a URL is for a database accessed with knex, and not for files that we read ourselves. */
export function isSqlUrl(url: DatabaseUrl): url is SqlUrl {
  return Object.hasOwn(DIALECTS, url.kind);
}
