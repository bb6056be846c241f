import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Knex } from 'knex';
import { SwitchyardError } from '../core/errors.js';
import { nullLogger } from '../core/logger.js';
import { ownValue } from '../core/own-value.js';
import { formatTextRow, parseTextRow, readTextTable, replaceFile, type TextTable } from './db-text.js';
import { listLines, parseListLine } from './list-file.js';
import { sqlUrl, withDatabase } from './provision.js';
import type { RawRow } from './rows.js';
import { columnsOf, DOCUMENTED, mapColumns } from './table.js';
import { shapeOf, type TableSpec } from './table-spec.js';

/*
 * The rows of a table as stored, valid or not, for backup, restore and moving them to another kind of database. Columns
 * have their documented names, whatever the configuration calls them; additional columns of the operator keep theirs.
 */

/** A value of a column. */
export type Cell = string | number | boolean | null;

/** One row: value by column. */
export type TableRow = Readonly<Record<string, Cell>>;

/** A table as stored. */
export interface TableContent {
  /** In the order of the table. */
  readonly columns: readonly string[];
  readonly rows: readonly TableRow[];
  /** Lines of a list file that are not rows, with the reason. */
  readonly unreadable?: readonly string[];
}

/** How rows are written. */
export interface WriteOptions {
  /** Whether to delete all other rows first. */
  readonly replace: boolean;
  /** Called with the number of rows written so far. */
  readonly written?: ((rows: number) => void) | undefined;
}

/** The result of writing rows. */
export interface WriteReport {
  readonly rows: number;
  /** Columns that the table does not have; their values were left out. */
  readonly leftOut: readonly string[];
}

/** Rows in one insert: SQLite accepts at most 500, and a server's packet size is limited. */
const SLICE = 200;

/** Fields with numeric columns in the documented tables. */
const NUMBERS: ReadonlySet<string> = new Set(
  (['id', 'setid', 'state', 'probeMode', 'priority', 'flags'] as const).map((field) => DOCUMENTED[field]),
);

/** The default of a documented column that must not be null. */
const DEFAULTS: Readonly<Record<string, Cell>> = {
  setid: 0,
  destination: '',
  socket: '',
  state: 0,
  probe_mode: 0,
  weight: '1',
  priority: 0,
  attrs: '',
  description: '',
  flags: 0,
};
/** Documented columns that may be null, if the database does not say so. */
const MAY_BE_NULL: ReadonlySet<string> = new Set(['socket', 'attrs', 'description']);

/** All rows of a table, a db_text file or a list file. Throws SwitchyardError STORE_*. */
export async function readTable(spec: TableSpec): Promise<TableContent> {
  if (spec.url.kind === 'list') return readList(spec.url.path);
  if (spec.url.kind === 'text') return readText(await readTextTable(join(spec.url.path, spec.table)), spec);
  return withDatabase(sqlUrl(spec), nullLogger, (database) =>
    database.run((knex) =>
      knex.transaction(async (trx) => {
        const names = namesOf(spec, await database.dialect.columns(trx, spec.table));
        const id = [...names].find(([, name]) => name === DOCUMENTED.id)?.[0];
        const query = trx(spec.table).select([...names.keys()]);
        const stored = (await (id === undefined ? query : query.orderBy(id))) as Record<string, unknown>[];
        return { columns: [...names.values()], rows: stored.map((row) => exported(row, names)) };
      }, database.dialect.readTransaction),
    ),
  );
}

/**
 * Writes rows in one transaction. IDs are kept if the table is empty and every row has one; else the database generates
 * new ones. Throws SwitchyardError STORE_*.
 */
export async function writeTable(
  spec: TableSpec,
  rows: readonly TableRow[],
  options: WriteOptions,
): Promise<WriteReport> {
  if (spec.url.kind === 'text') return writeText(join(spec.url.path, spec.table), spec, rows, options);
  return withDatabase(sqlUrl(spec), nullLogger, (database) =>
    database.run((knex) =>
      knex.transaction(async (trx) => {
        const names = namesOf(spec, await database.dialect.columns(trx, spec.table));
        if (options.replace) await trx(spec.table).delete();
        const isEmpty = options.replace || (await trx(spec.table).first(trx.raw('1 as found'))) === undefined;
        const withIds = isEmpty && haveIds(rows);
        const nullable = await nullableColumns(trx, spec.table);
        const records = rows.map((row) => record(row, names, withIds, nullable));
        for (let i = 0; i < records.length; i += SLICE) {
          await trx(spec.table).insert(records.slice(i, i + SLICE));
          options.written?.(Math.min(i + SLICE, records.length));
        }
        const id = [...names].find(([, name]) => name === DOCUMENTED.id)?.[0];
        if (withIds && id !== undefined) await database.dialect.idsGiven?.(trx, spec.table, id);
        return { rows: rows.length, leftOut: leftOut(rows, names) };
      }),
    ),
  );
}

/** The rows as in a table with these columns: absent values get their default. */
export function completed(rows: readonly TableRow[], columns: readonly string[]): TableRow[] {
  return rows.map((row) =>
    Object.fromEntries(
      columns.map((name) => [name, row[name] === undefined ? (ownValue(DEFAULTS, name) ?? null) : row[name]]),
    ),
  );
}

/** Name of a column in the table -> name in a file of rows. Throws SwitchyardError STORE_SCHEMA. */
function namesOf(spec: TableSpec, present: readonly string[]): ReadonlyMap<string, string> {
  const shape = shapeOf(spec);
  if (present.length === 0) throw new SwitchyardError('STORE_SCHEMA', `${shape.description}: no such table`);
  const documented = new Map([...mapColumns(shape, present)].map(([field, column]) => [column, DOCUMENTED[field]]));
  const taken = new Set(columnsOf(spec.columns, spec.flavour).map(([field]) => DOCUMENTED[field]));
  const names = new Map<string, string>();
  for (const column of present) {
    const name = documented.get(column) ?? column;
    // An additional column of the operator may have the documented name of a column that is configured under another
    // name.
    if (documented.has(column) || !taken.has(name)) names.set(column, name);
  }
  return names;
}

function exported(row: Readonly<Record<string, unknown>>, names: ReadonlyMap<string, string>): TableRow {
  return Object.fromEntries([...names].map(([column, name]) => [name, cellOf(row[column], name)]));
}

function cellOf(value: unknown, name: string): Cell {
  if (value === null || value === undefined) return null;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return name === DOCUMENTED.weight ? String(value) : value;
  if (value instanceof Date) return value.toISOString().replace('T', ' ').replace('Z', '');
  const text = Buffer.isBuffer(value) ? value.toString('utf8') : String(value);
  return NUMBERS.has(name) && /^-?[0-9]{1,15}$/.test(text) ? Number(text) : text;
}

function haveIds(rows: readonly TableRow[]): boolean {
  const ids = new Set(rows.map((row) => row[DOCUMENTED.id]));
  return ids.size === rows.length && [...ids].every((id) => Number.isSafeInteger(id) && (id as number) > 0);
}

function record(
  row: TableRow,
  names: ReadonlyMap<string, string>,
  withIds: boolean,
  nullable: ReadonlyMap<string, boolean>,
): Record<string, Cell> {
  const values: Record<string, Cell> = {};
  for (const [column, name] of names) {
    if (name === DOCUMENTED.id && !withIds) continue;
    const given = row[name];
    const mayBeNull = nullable.get(column) ?? MAY_BE_NULL.has(name);
    if (given !== undefined && given !== null) values[column] = given;
    else if (given === null || name === DOCUMENTED.socket)
      values[column] = mayBeNull ? null : (ownValue(DEFAULTS, name) ?? null);
    // Additional columns get the default of the table.
    else if (Object.hasOwn(DEFAULTS, name)) values[column] = DEFAULTS[name] ?? null;
  }
  return values;
}

/** Which columns may be null; columns not in the map are unknown. */
async function nullableColumns(trx: Knex.Transaction, table: string): Promise<ReadonlyMap<string, boolean>> {
  const dot = table.lastIndexOf('.');
  const query = dot < 0 ? trx(table) : trx(table.slice(dot + 1)).withSchema(table.slice(0, dot));
  const info = (await query.columnInfo()) as unknown as Record<string, { nullable: boolean }>;
  return new Map(Object.entries(info).map(([column, { nullable }]) => [column, nullable]));
}

function leftOut(rows: readonly TableRow[], names: ReadonlyMap<string, string>): readonly string[] {
  const known = new Set(names.values());
  const unknown = new Set<string>();
  for (const row of rows) {
    for (const name of Object.keys(row)) if (!known.has(name) && row[name] !== null) unknown.add(name);
  }
  return [...unknown];
}

async function readList(path: string): Promise<TableContent> {
  const text = await readFile(path, 'latin1').catch((cause: unknown) => {
    throw new SwitchyardError('STORE_UNREACHABLE', `list file ${path} cannot be read`, { cause });
  });
  return readListText(text, path);
}

/** Parses Kamailio's list file, whose text is latin1; it has only these columns. */
export function readListText(text: string, path: string): TableContent {
  const columns = ['setid', 'destination', 'flags', 'priority', 'attrs'];
  const rows: TableRow[] = [];
  const unreadable: string[] = [];
  let number = 0;
  for (const line of listLines(text, false)) {
    number++;
    const read = parseListLine(line, false);
    if (read === undefined) continue;
    if ('problem' in read) unreadable.push(`file ${path}, line ${number}: ${read.problem}`);
    else rows.push(Object.fromEntries(columns.map((name) => [name, cellOf(read.row[name as keyof RawRow], name)])));
  }
  return { columns, rows, unreadable };
}

function readText(table: TextTable, spec: TableSpec): TableContent {
  const names = namesOf(spec, table.columns);
  const definitions = table.header.split(/\s+/);
  const nullable = definitions.map((definition) => /,null\b/i.test(definition));
  const isNumber = definitions.map((definition) => /\((?:int|double)\b/i.test(definition));
  const positions = [...names].map(([column, name]) => [table.columns.indexOf(column), name] as const);
  const rows = table.lines
    .filter((line) => line !== '')
    .map((line) => {
      const fields = parseTextRow(line);
      const cell = (at: number, name: string): Cell => {
        const text = Buffer.from(fields[at] ?? '', 'latin1').toString('utf8');
        if (text === '' && nullable[at] === true) return null;
        // An additional column has the type that its value in the file suggests.
        if (isNumber[at] && name !== DOCUMENTED.weight && /^-?[0-9]{1,15}(?:\.[0-9]{1,9})?$/.test(text))
          return Number(text);
        return cellOf(text, name);
      };
      return Object.fromEntries(positions.map(([at, name]) => [name, cell(at, name)]));
    });
  return { columns: [...names.values()], rows };
}

async function writeText(
  path: string,
  spec: TableSpec,
  rows: readonly TableRow[],
  { replace, written }: WriteOptions,
): Promise<WriteReport> {
  const table = await readTextTable(path);
  const names = namesOf(spec, table.columns);
  const lines = replace ? [] : table.lines.filter((line) => line !== '');
  const withIds = lines.length === 0 && haveIds(rows);
  const idAt = [...names].find(([, name]) => name === DOCUMENTED.id)?.[0];
  const at = idAt === undefined ? -1 : table.columns.indexOf(idAt);
  let nextId = 1 + lines.reduce((highest, line) => Math.max(highest, Number(parseTextRow(line)[at]) || 0), 0);
  for (const row of rows) {
    const values = record(row, names, withIds, new Map());
    if (idAt !== undefined && !withIds) values[idAt] = nextId++;
    // The file has bytes, so UTF-8 text is written as its bytes.
    const fields = table.columns.map((column) => Buffer.from(String(values[column] ?? ''), 'utf8').toString('latin1'));
    lines.push(formatTextRow(fields));
  }
  await replaceFile(path, `${[table.header, ...lines].join('\n')}\n`);
  written?.(rows.length);
  return { rows: rows.length, leftOut: leftOut(rows, names) };
}
