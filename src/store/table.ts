import type { Knex } from 'knex';
import type { ColumnNames } from '../config/settings.js';
import { SwitchyardError } from '../core/errors.js';
import type { FlavourName } from '../engine/options.js';
import type { RawRow } from './rows.js';

/** Name of the table with the versions of all other tables, in OpenSIPS and Kamailio. */
export const VERSION_TABLE = 'version';

/** Newest known table version by flavour; older ones lack columns, which get their default. */
export const NEWEST_VERSION: Readonly<Record<FlavourName, number>> = { opensips: 9, kamailio: 4 };

/** Our name for a documented column. */
export type Field = Exclude<keyof RawRow, 'extra'>;

/** Field of a row -> name of its column. */
export type ColumnMap = ReadonlyMap<Field, string>;

const REQUIRED: readonly Field[] = ['setid', 'destination'];
/** The documented names of the columns, used in files of rows whatever the table calls them. */
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

/** The fields of a flavour's table in the order of its columns, with their configured names. */
export function columnsOf(columns: ColumnNames, flavour: FlavourName): [field: Field, column: string][] {
  const named: Partial<Record<Field, string>> = { ...columns };
  return FIELDS[flavour].map((field) => [field, named[field] ?? DOCUMENTED[field]]);
}

/** A table's name in messages, and what is read from it. */
export interface TableShape {
  /** For example "table dispatcher of mysql://host/db". */
  readonly description: string;
  readonly table: string;
  readonly flavour: FlavourName;
  readonly columns: ColumnNames;
  readonly persistentState: boolean;
}

/**
 * Checks a table's version like the original: the version table must have it. Throws SwitchyardError STORE_VERSION,
 * whose message says what to do.
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
 * Determines which columns are read. Columns that only newer versions have may be missing, unless the configuration
 * names them. Throws SwitchyardError STORE_SCHEMA naming the missing ones.
 */
export function mapColumns(shape: TableShape, present: readonly string[]): ColumnMap {
  // In some databases the case of column names matters; but no real table has names that differ only in case.
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

/** The columns read as attributes, in the table's spelling. Throws SwitchyardError STORE_SCHEMA naming missing ones. */
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

/** A select list that returns rows with the field names of RawRow. */
export function selection(columns: ColumnMap): Record<string, string> {
  return Object.fromEntries(columns);
}

/** A table's version in the version table; undefined without a row. `table` may have a schema. */
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
