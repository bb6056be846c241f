import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Knex } from 'knex';
import { parseDatabaseUrl } from '../../src/config/db-url.js';
import { nullLogger } from '../../src/core/logger.js';
import { createStore } from '../../src/store/create-store.js';
import { formatTextRow } from '../../src/store/db-text.js';
import { isSqlUrl } from '../../src/store/dialects.js';
import type { StoreConfig } from '../../src/store/knex-store.js';
import { DatabasePools } from '../../src/store/pools.js';
import type { TableSpec } from '../../src/store/provision.js';
import type { DestinationStore } from '../../src/store/store.js';
import { COLUMNS } from './columns.js';
import { requireMysql, requirePostgres } from './servers.js';

export type Cell = string | number | null;

/** A database of one kind with a new table for one test. */
export interface StoreFixture {
  readonly spec: TableSpec;
  readonly pools: DatabasePools;
  /** A store over the table; closed when the test ends. */
  store(changes?: Partial<StoreConfig>): DestinationStore;
  /**
   * Makes a table as another program would have: columns whose name begins with "n_" or is known as numeric are
   * numeric.
   */
  writeTable(columns: readonly string[], rows: readonly (readonly Cell[])[]): Promise<void>;
  /** Writes the table's row of the version table; undefined: the version table without that row. */
  writeVersion(version: number | undefined): Promise<void>;
  /** Undefined for databases without SQL. */
  readonly sql: ((work: (knex: Knex) => Promise<unknown>) => Promise<unknown>) | undefined;
}

export type FixtureMaker = (t: TestContext) => Promise<StoreFixture | undefined>;

/** The kinds of database with which every store test runs. */
export const FIXTURES: readonly (readonly [name: string, make: FixtureMaker])[] = [
  ['sqlite', (t) => withFolder(t, async (folder) => sqlFixture(t, `sqlite://${folder}/test.db`))],
  ['postgres', (t) => withServer(t, requirePostgres)],
  ['mysql', (t) => withServer(t, requireMysql)],
  ['text', (t) => withFolder(t, async (folder) => textFixture(t, folder))],
];

async function withFolder(t: TestContext, make: (folder: string) => Promise<StoreFixture>): Promise<StoreFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-store-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return make(folder);
}

async function withServer(
  t: TestContext,
  require: (t: TestContext) => Promise<string | undefined>,
): Promise<StoreFixture | undefined> {
  const url = await require(t);
  return url === undefined ? undefined : sqlFixture(t, url);
}

const INTEGERS = new Set(['id', 'setid', 'state', 'probe_mode', 'priority', 'flags']);
let tables = 0;

/** A fixture for the SQL database at `dbUrl`. */
export function sqlFixture(t: TestContext, dbUrl: string): StoreFixture {
  const url = parseDatabaseUrl(dbUrl, '/');
  if (!isSqlUrl(url)) throw new Error(`${dbUrl} is not for SQL`);
  const table = `d_${process.pid}_${tables++}`;
  const pools = new DatabasePools(nullLogger);
  const database = pools.open(url);
  const stores: DestinationStore[] = [];
  t.after(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await database.release();
  });
  const versions = async (knex: Knex) => {
    if (await knex.schema.hasTable('version')) return;
    // Another test process may be making it at the same time.
    await knex.schema
      .createTable('version', (build) => {
        build.string('table_name', 64).notNullable().unique();
        build.integer('table_version').notNullable().defaultTo(0);
      })
      .catch(() => {});
  };
  return {
    spec: { url, table, columns: COLUMNS, flavour: 'opensips' },
    pools,
    store: (changes) => {
      const store = createStore(storeConfig(dbUrl, table, changes), { pools });
      stores.push(store);
      return store;
    },
    writeTable: (columns, rows) =>
      database.create(async (knex) => {
        await knex.schema.createTable(table, (build) => {
          for (const column of columns) {
            if (INTEGERS.has(column)) build.integer(column).nullable();
            else build.string(column, 255).nullable();
          }
        });
        const records = rows.map((row) => Object.fromEntries(row.map((cell, i) => [columns[i] as string, cell])));
        await knex.batchInsert(table, records, 200);
      }),
    writeVersion: (version) =>
      database.create(async (knex) => {
        await versions(knex);
        await knex('version').where('table_name', table).delete();
        if (version !== undefined) await knex('version').insert({ table_name: table, table_version: version });
      }),
    sql: (work) => database.run(work),
  };
}

function textFixture(t: TestContext, folder: string): StoreFixture {
  const table = 'dispatcher';
  const pools = new DatabasePools(nullLogger);
  const dbUrl = `text://${folder}`;
  const stores: DestinationStore[] = [];
  t.after(() => Promise.all(stores.map((store) => store.close())));
  return {
    spec: { url: parseDatabaseUrl(dbUrl, '/'), table, columns: COLUMNS, flavour: 'opensips' },
    pools,
    store: (changes) => {
      const store = createStore(storeConfig(dbUrl, table, changes), { pools });
      stores.push(store);
      return store;
    },
    writeTable: async (columns, rows) => {
      const header = columns.map((column) => `${column}(${INTEGERS.has(column) ? 'int' : 'string'},null)`).join(' ');
      const lines = rows.map((row) => formatTextRow(row.map((cell) => bytes(cell === null ? '' : String(cell)))));
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, table), `${[header, ...lines].join('\n')}\n`, 'latin1');
    },
    writeVersion: async (version) => {
      const row = version === undefined ? '' : `${table}:${version}\n`;
      await writeFile(join(folder, 'version'), `table_name(string) table_version(int)\n${row}`);
    },
    sql: undefined,
  };
}

function bytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

export function storeConfig(dbUrl: string, table: string, changes: Partial<StoreConfig> = {}): StoreConfig {
  return {
    name: 'acme',
    source: '/etc/switchyard/partitions/acme.json',
    dbUrl,
    tableName: table,
    columns: COLUMNS,
    flavour: 'opensips',
    persistentState: true,
    ...changes,
  };
}
