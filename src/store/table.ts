import type { Knex } from 'knex';
import type { ColumnNames } from '../config/settings.js';
import { SwitchyardError } from '../core/errors.js';
import type { FlavourName } from '../engine/options.js';
import type { RawRow } from './rows.js';

/** Name of the table that holds the version of every other table, in OpenSIPS and Kamailio alike. */
export const VERSION_TABLE = 'version';

/** Newest table version whose columns we know, by flavour: older ones have fewer columns, each with its default. */
export const NEWEST_VERSION: Readonly<Record<FlavourName, number>> = { opensips: 9, kamailio: 4 };

/** A documented column, by our name for it. */
export type Field = Exclude<keyof RawRow, 'extra'>;

/** Field of a row -> column it is read from. */
export type ColumnMap = ReadonlyMap<Field, string>;

const REQUIRED: readonly Field[] = ['setid', 'destination'];
/** Documented name of the column a field is read from: what files of rows call it, however the table spells it. */
export const DOCUMENTED: Readonly<Record<Field, string>> = {
  id: 'id',
  setid: 'setid',
  destination: 'destination',
  socket: 'socket',
  state: 'state',
  probeMode: 'probe_mode',
  weight: 'weight',
  priority: 'priority',
  attrs: 'attrs',
  description: 'description',
  flags: 'flags',
};
const FIELDS: Readonly<Record<FlavourName, readonly Field[]>> = {
  opensips: [
    'id',
    'setid',
    'destination',
    'socket',
    'state',
    'probeMode',
    'weight',
    'priority',
    'attrs',
    'description',
  ],
  kamailio: ['id', 'setid', 'destination', 'flags', 'priority', 'attrs', 'description'],
};

/** The fields a flavour's table has, in the order of its columns, with the names that are configured for them. */
export function columnsOf(columns: ColumnNames, flavour: FlavourName): [field: Field, column: string][] {
  const named: Partial<Record<Field, string>> = { ...columns };
  return FIELDS[flavour].map((field) => [field, named[field] ?? DOCUMENTED[field]]);
}

/** What a table is called in messages, and what of it is wanted. */
export interface TableShape {
  /** "table dispatcher of mysql://host/db" */
  readonly description: string;
  readonly table: string;
  readonly flavour: FlavourName;
  readonly columns: ColumnNames;
  readonly persistentState: boolean;
}

/**
 * Checks a table's version as the original does: the version table must name it.
 * Throws SwitchyardError STORE_VERSION, whose message says what to do.
 */
export function checkVersion(shape: TableShape, version: unknown): void {
  const newest = NEWEST_VERSION[shape.flavour];
  if (version === undefined || version === null) {
    throw new SwitchyardError(
      'STORE_VERSION',
      `${shape.description}: the version table has no row for it; switchyard db init adds one`,
    );
  }
  const number = Number(version);
  if (!Number.isInteger(number) || number < 1 || number > newest) {
    throw new SwitchyardError(
      'STORE_VERSION',
      `${shape.description}: version ${String(version)} is not supported for flavour ${shape.flavour}, only 1 to ${newest}`,
    );
  }
}

/**
 * Which columns are read. Columns that only newer versions have may be missing, unless somebody named them in the
 * configuration. Throws SwitchyardError STORE_SCHEMA naming the missing ones.
 */
export function mapColumns(shape: TableShape, present: readonly string[]): ColumnMap {
  // Databases differ in whether the case of a column's name matters; operators' tables do not differ by case alone.
  const actual = new Map(present.map((name) => [name.toLowerCase(), name]));
  const map = new Map<Field, string>();
  const missing: string[] = [];
  for (const [field, column] of columnsOf(shape.columns, shape.flavour)) {
    if (field === 'state' && !shape.persistentState) continue;
    const found = actual.get(column.toLowerCase());
    if (found !== undefined) map.set(field, found);
    else if (REQUIRED.includes(field) || column !== DOCUMENTED[field]) missing.push(column);
  }
  if (missing.length > 0) {
    throw new SwitchyardError('STORE_SCHEMA', `${shape.description}: no column ${missing.join(', ')}`);
  }
  return map;
}

/**
 * The columns that are attributes, as the table spells them. Throws SwitchyardError STORE_SCHEMA naming those it does not have.
 */
export function extraColumns(
  description: string,
  wanted: readonly { readonly column: string }[],
  present: readonly string[],
): readonly string[] {
  const actual = new Map(present.map((name) => [name.toLowerCase(), name]));
  const missing = wanted.filter(({ column }) => !actual.has(column.toLowerCase())).map(({ column }) => column);
  if (missing.length > 0) {
    throw new SwitchyardError('STORE_SCHEMA', `${description}: no column ${missing.join(', ')} (ds_db_extra_attrs)`);
  }
  return wanted.map(({ column }) => actual.get(column.toLowerCase()) as string);
}

/** The select list that gives rows the field names of RawRow. */
export function selection(columns: ColumnMap): Record<string, string> {
  return Object.fromEntries(columns);
}

/** The version a table has by the version table; undefined without a row. `table` may be qualified by a schema. */
export async function readVersion(knex: Knex, table: string): Promise<unknown> {
  const dot = table.lastIndexOf('.');
  const row: { table_version?: unknown } | undefined = await knex(versionTableFor(table))
    .where('table_name', table.slice(dot + 1))
    .first('table_version');
  return row?.table_version;
}

/** The version table beside a table: in the same schema. */
export function versionTableFor(table: string): string {
  return table.slice(0, table.lastIndexOf('.') + 1) + VERSION_TABLE;
}
