import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import type { Knex } from 'knex';
import { messageOf, SwitchyardError } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import { withoutLiterals } from '../core/sql-literals.js';
import { dialectOf, type SqlDialect, type SqlUrl } from './dialects.js';
import { faultKind, storeError } from './faults.js';

const ACQUIRE_TIMEOUT = 5000;
/** Milliseconds to wait for another client's lock, and between two attempts. */
const BUSY_LIMIT = 5000;
const BUSY_STEP = 50;

/**
 * Maximum number of broken connections that one operation may find: a pool may have this many from before an outage.
 */
const MAX_STALE = 4;

const require = createRequire(import.meta.url);

/** Loads knex with the first pool, since list files and text tables do not need its sixty files. */
function createKnex(config: Knex.Config): Knex {
  return (require('knex') as typeof import('knex').default)(config);
}

/** A share of a connection pool. */
export interface Database {
  readonly url: SqlUrl;
  readonly dialect: SqlDialect;
  /**
   * Runs `work` with the pool. It is run again when a connection was broken, and for up to 5 s while another client
   * holds a lock; so it must begin its own transaction. Throws SwitchyardError STORE_*.
   */
  run<T>(work: (knex: Knex) => Promise<T>): Promise<T>;
  /** Like `run`, but creates a missing SQLite file. */
  create<T>(work: (knex: Knex) => Promise<T>): Promise<T>;
  /** Releases the share; the last one closes the pool. May be called repeatedly. */
  release(): Promise<void>;
}

/** Maximum milliseconds of an operation: a network that drops packets must not delay a reload forever. */
const OPERATION_LIMIT = 60_000;

interface Pool {
  /** Replaced when its connections no longer answer. */
  knex: Knex;
  shares: number;
}

/** The connection pools, one for each database; partitions in the same database share it. */
export class DatabasePools {
  private readonly pools = new Map<string, Pool>();

  /** `operationMs`: most milliseconds of an operation, default 60 s. */
  constructor(
    private readonly logger: Logger,
    private readonly options: { readonly operationMs?: number } = {},
  ) {}

  /** Number of open pools. */
  get size(): number {
    return this.pools.size;
  }

  /** A share of the pool of this database; connects later. Throws SwitchyardError STORE_DRIVER. */
  open(url: SqlUrl): Database {
    const dialect = dialectOf(url);
    requireDriver(dialect.driver);
    let pool = this.pools.get(url.canonical);
    if (pool === undefined) {
      pool = { knex: createKnex(this.config(url, dialect)), shares: 0 };
      this.pools.set(url.canonical, pool);
    }
    pool.shares++;
    let released = false;
    const shared = pool;
    return {
      url,
      dialect,
      run: async (work) => {
        requireFile(url);
        return this.withinLimit(shared, url, dialect, work);
      },
      create: (work) => this.withinLimit(shared, url, dialect, work),
      release: async () => {
        if (released) return;
        released = true;
        if (--shared.shares > 0) return;
        this.pools.delete(url.canonical);
        await shared.knex.destroy();
      },
    };
  }

  private async withinLimit<T>(
    pool: Pool,
    url: SqlUrl,
    dialect: SqlDialect,
    work: (knex: Knex) => Promise<T>,
  ): Promise<T> {
    const { operationMs = OPERATION_LIMIT } = this.options;
    const used = pool.knex;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const message = `${url.display}: no answer within ${operationMs} ms`;
        reject(new SwitchyardError('STORE_UNREACHABLE', message, { retryable: true }));
        if (pool.knex !== used || pool.shares === 0) return;
        pool.knex = createKnex(this.config(url, dialect));
        used.destroy().catch((error) => this.logger.debug({ err: error }, 'a pool that hung could not be closed'));
      }, operationMs);
    });
    try {
      return await Promise.race([run(used, url, dialect, work), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  private config(url: SqlUrl, dialect: SqlDialect): Knex.Config {
    const note = (message: unknown) =>
      this.logger.debug({ database: url.display }, `knex: ${shownMessage(messageOf(message))}`);
    return {
      ...dialect.configure(url),
      pool: {
        min: 0,
        max: dialect.connections,
        ...(dialect.session === undefined ? {} : { afterCreate: opening(dialect.session) }),
      },
      acquireConnectionTimeout: ACQUIRE_TIMEOUT,
      // knex warns of every lost connection; important ones are logged as errors of an operation.
      log: { warn: note, error: note, deprecate: note, debug: note },
    };
  }
}

/**
 * A message of knex for the log: the statement stands before the message of the driver, "select ... - no such table".
 */
function shownMessage(message: string): string {
  const dash = message.lastIndexOf(' - ');
  if (dash < 0) return withoutLiterals(message).text;
  const { text, without } = withoutLiterals(message.slice(0, dash));
  return `${text} - ${without(message.slice(dash + 3))}`;
}

/** The part of a driver's connection that is used here. */
interface Session {
  query(statement: string, done: () => void): unknown;
}

function opening(statement: string): (session: Session, done: (error: null, session: Session) => void) => void {
  return (session, done) => {
    session.query(statement, () => done(null, session));
  };
}

/**
 * Throws SwitchyardError STORE_DRIVER when a driver is not installed. knex would also print a stack trace to stderr.
 */
export function requireDriver(driver: string, resolve = require.resolve): void {
  try {
    resolve(driver);
  } catch (cause) {
    throw new SwitchyardError('STORE_DRIVER', `database driver ${driver} is not installed: npm i ${driver}`, { cause });
  }
}

/** Otherwise SQLite would create an empty file, and later messages would complain about a missing table. */
function requireFile(url: SqlUrl): void {
  if (url.kind !== 'sqlite' || existsSync(url.path)) return;
  const message = `${url.display}: no such file (switchyard db init makes it)`;
  throw new SwitchyardError('STORE_UNREACHABLE', message, { retryable: true });
}

async function run<T>(pool: Knex, url: SqlUrl, dialect: SqlDialect, work: (knex: Knex) => Promise<T>): Promise<T> {
  const began = performance.now();
  let stale = 0;
  for (;;) {
    try {
      return await work(pool);
    } catch (error) {
      const kind = faultKind(dialect, error);
      if (kind === 'busy' && performance.now() - began < BUSY_LIMIT) {
        await delay(BUSY_STEP);
      } else if (kind === 'unreachable' && stale < MAX_STALE && isStale(error)) {
        stale++;
      } else {
        throw storeError(dialect, url.display, error);
      }
    }
  }
}

/**
 * Whether a connection worked before and is broken now, so that a new one may work. A connection that could not be
 * opened is not tried again.
 */
function isStale(error: unknown): boolean {
  const { code } = error as { code?: string };
  return (
    code === 'ECONNRESET' ||
    code === 'EPIPE' ||
    code === 'PROTOCOL_CONNECTION_LOST' ||
    code === '57P01' ||
    code === 'ER_CONNECTION_KILLED' ||
    /connection (terminated|ended)|closed state|can't add new command|not queryable/i.test(messageOf(error))
  );
}
