import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Knex } from 'knex';
import { SwitchyardError } from '../core/errors.js';
import { type Logger, nullLogger } from '../core/logger.js';
import { flavourKind } from '../engine/flavours.js';
import { isSqlUrl, type SqlUrl } from './dialects.js';
import { faultKind } from './faults.js';
import { createKnexStore } from './knex-store.js';
import { type Database, DatabasePools } from './pools.js';
import type { RawRow } from './rows.js';
import type { StoreLoad } from './store.js';
import { columnsOf, type Field, mapColumns, NEWEST_VERSION, readVersion, versionTableFor } from './table.js';
import {
  type InitReport,
  type NewRow,
  type RowIdentity,
  rowValues,
  shapeOf,
  storedSpellings,
  type TableSpec,
} from './table-spec.js';
import { deleteTextRows, initTextTable, insertTextRows } from './text-provision.js';
import { createTextStore } from './text-store.js';

export type { InitReport, NewRow, TableSpec } from './table-spec.js';

const text = (column: Knex.ColumnBuilder, mayBeNull: boolean) =>
  mayBeNull ? column.nullable() : column.notNullable().defaultTo('');

/** The documented columns (OpenSIPS table version 9, Kamailio table version 4). */
const BUILD: Readonly<Record<Field, (table: Knex.CreateTableBuilder, column: string, mayBeNull: boolean) => void>> = {
  id: (table, column) => table.increments(column),
  setid: (table, column) => table.integer(column).notNullable().defaultTo(0),
  destination: (table, column) => table.string(column, 192).notNullable().defaultTo(''),
  socket: (table, column) => table.string(column, 128).nullable(),
  state: (table, column) => table.integer(column).notNullable().defaultTo(0),
  probeMode: (table, column) => table.integer(column).unsigned().notNullable().defaultTo(0),
  weight: (table, column) => table.string(column, 64).notNullable().defaultTo('1'),
  priority: (table, column) => table.integer(column).notNullable().defaultTo(0),
  attrs: (table, column, mayBeNull) => text(table.string(column, 128), mayBeNull),
  description: (table, column, mayBeNull) => text(table.string(column, 64), mayBeNull),
  flags: (table, column) => table.integer(column).notNullable().defaultTo(0),
};

/**
 * Creates a dispatcher table and its row in the version table, if missing. The folder of an SQLite file and a db_text
 * folder are created too; the database of a server must exist. Throws SwitchyardError STORE_*; STORE_VERSION when the
 * version table has another version than ours.
 */
export async function initDatabase(spec: TableSpec, logger: Logger = nullLogger): Promise<InitReport> {
  const version = NEWEST_VERSION[spec.flavour];
  if (spec.url.kind === 'text') return initTextTable(spec.url.path, spec, version);
  const url = sqlUrl(spec);
  if (url.kind === 'sqlite') await mkdir(dirname(url.path), { recursive: true });
  return withDatabase(url, logger, (database) =>
    database.create(async (knex) => {
      const tableCreated = await createMissing(database, knex, spec.table, (table) => {
        const { textsMayBeNull } = flavourKind(spec.flavour);
        for (const [field, column] of columnsOf(spec.columns, spec.flavour))
          BUILD[field](table, column, textsMayBeNull);
      });
      const versions = versionTableFor(spec.table);
      await createMissing(database, knex, versions, (table) => {
        table.string('table_name', 64).notNullable().unique();
        table.integer('table_version').unsigned().notNullable().defaultTo(0);
      });
      const found = await readVersion(knex, spec.table);
      if (found === undefined) {
        const name = spec.table.slice(spec.table.lastIndexOf('.') + 1);
        await knex(versions).insert({ table_name: name, table_version: version });
      } else if (tableCreated && Number(found) !== version) {
        throw new SwitchyardError(
          'STORE_VERSION',
          `${url.display}: table ${versions} says ${spec.table} has version ${String(found)}, but it was created as version ${version}`,
        );
      }
      return { tableCreated, versionAdded: found === undefined, version: Number(found ?? version) };
    }),
  );
}

/**
 * Inserts destinations in one transaction; with `replace` deletes all others first. Values for columns that the table
 * does not have are left out. Returns the number of inserted rows. Throws SwitchyardError STORE_*.
 */
export async function insertRows(
  spec: TableSpec,
  rows: readonly NewRow[],
  options: { replace?: boolean } = {},
  logger: Logger = nullLogger,
): Promise<number> {
  if (spec.url.kind === 'text') return insertTextRows(spec.url.path, spec, rows, options.replace ?? false);
  await withDatabase(sqlUrl(spec), logger, (database) =>
    database.run((knex) =>
      knex.transaction(async (trx) => {
        const shape = shapeOf(spec);
        const columns = mapColumns(shape, await database.dialect.columns(trx, spec.table));
        if (options.replace === true) await trx(spec.table).delete();
        const records = rows.map((row) => {
          const values: Partial<Record<keyof RawRow, string | number | null>> = rowValues(row);
          const fields = [...columns].filter(([field]) => field !== 'id');
          return Object.fromEntries(fields.map(([field, column]) => [column, values[field] ?? null]));
        });
        // SQLite accepts at most 500 rows in such an insert, and a server's packet size is limited.
        await trx.batchInsert(spec.table, records, 200);
      }),
    ),
  );
  return rows.length;
}

/** Deletes the rows of these destinations in one transaction; returns their number. Throws SwitchyardError STORE_*. */
export async function deleteRows(
  spec: TableSpec,
  rows: readonly RowIdentity[],
  logger: Logger = nullLogger,
): Promise<number> {
  if (spec.url.kind === 'text') return deleteTextRows(spec.url.path, spec, rows);
  return withDatabase(sqlUrl(spec), logger, (database) =>
    database.run((knex) =>
      knex.transaction(async (trx) => {
        const columns = mapColumns(shapeOf(spec), await database.dialect.columns(trx, spec.table));
        const setid = columns.get('setid') as string;
        const destination = columns.get('destination') as string;
        let deleted = 0;
        for (const row of rows) {
          const spellings = storedSpellings(row.uri, spec.flavour);
          deleted += await trx(spec.table).where(setid, row.setId).whereIn(destination, spellings).delete();
        }
        return deleted;
      }),
    ),
  );
}

/**
 * All rows of a table: those that would be loaded, and those that would not. `freeswitchMaxWeight`: see RowRules.
 * Throws SwitchyardError STORE_*.
 */
export async function showRows(
  spec: TableSpec,
  logger: Logger = nullLogger,
  freeswitchMaxWeight: number | undefined = undefined,
): Promise<StoreLoad> {
  const config = {
    name: '',
    source: '',
    dbUrl: '',
    tableName: spec.table,
    columns: spec.columns,
    flavour: spec.flavour,
    persistentState: true,
    freeswitchMaxWeight,
  };
  if (spec.url.kind === 'text') return createTextStore(spec.url, config).load();
  return withDatabase(sqlUrl(spec), logger, (database) => createKnexStore(database, config).load());
}

/** The database of a table that can be changed. Throws SwitchyardError STORE_DRIVER. */
export function sqlUrl(spec: TableSpec): SqlUrl {
  if (isSqlUrl(spec.url)) return spec.url;
  throw new SwitchyardError('STORE_DRIVER', `${spec.url.display}: a list file cannot be created or changed`);
}

/** Runs `work` with a pool of its own, and closes it afterwards. */
export async function withDatabase<T>(
  url: SqlUrl,
  logger: Logger,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const database = new DatabasePools(logger).open(url);
  try {
    return await work(database);
  } finally {
    await database.release();
  }
}

async function createMissing(
  database: Database,
  knex: Knex,
  table: string,
  build: (table: Knex.CreateTableBuilder) => void,
): Promise<boolean> {
  if (await exists(database, knex, table)) return false;
  const dot = table.lastIndexOf('.');
  const schema = dot < 0 ? knex.schema : knex.schema.withSchema(table.slice(0, dot));
  await schema.createTable(table.slice(dot + 1), build);
  return true;
}

async function exists(database: Database, knex: Knex, table: string): Promise<boolean> {
  try {
    return (await database.dialect.columns(knex, table)).length > 0;
  } catch (error) {
    if (faultKind(database.dialect, error) === 'missing') return false;
    throw error;
  }
}
