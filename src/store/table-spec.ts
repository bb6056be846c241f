import type { DatabaseUrl } from '../config/db-url.js';
import type { ColumnNames } from '../config/settings.js';
import type { DestinationRow } from '../engine/destination.js';
import { flavourKind } from '../engine/flavours.js';
import type { FlavourName } from '../engine/options.js';
import { stateNumber, storedText } from './rows.js';
import { DOCUMENTED, type Field, type TableShape } from './table.js';

/** Describes a dispatcher table, for the tools that create and fill one. */
export interface TableSpec {
  readonly url: DatabaseUrl;
  readonly table: string;
  readonly columns: ColumnNames;
  readonly flavour: FlavourName;
}

/** The shape of the table for reading and writing rows, with its state column. */
export function shapeOf(spec: TableSpec): TableShape {
  const description = `table ${spec.table} of ${spec.url.display}`;
  return { ...spec, description, persistentState: true };
}

/** The result of creating a table. */
export interface InitReport {
  /** False when the table existed: it is unchanged. */
  readonly tableCreated: boolean;
  readonly versionAdded: boolean;
  readonly version: number;
}

/** A destination to insert; absent values get the column's default. */
export type NewRow = Pick<DestinationRow, 'setId' | 'uri'> & Partial<DestinationRow>;

/** The column values of a destination, without the ID, which the database generates. */
export function rowValues(row: NewRow): Readonly<Record<Exclude<Field, 'id'>, string | number | null>> {
  return {
    setid: row.setId,
    destination: storedText(row.uri),
    socket: row.socket === undefined || row.socket === '' ? null : row.socket,
    state: stateNumber(row.state ?? 'active'),
    probeMode: row.probeMode ?? 0,
    weight: row.weightFeed ?? String(row.weight ?? 1),
    priority: row.priority ?? 0,
    attrs: storedText(row.attrs ?? ''),
    description: storedText(row.description ?? ''),
    flags: row.flags ?? 0,
  };
}

/** `rowValues` with the documented names of the columns. */
export function columnValues(row: NewRow): Readonly<Record<string, string | number | null>> {
  return Object.fromEntries(
    Object.entries(rowValues(row)).map(([field, value]) => [DOCUMENTED[field as Field], value]),
  );
}

/** Identifies rows to delete: all with this set and URI, whatever their socket. */
export type RowIdentity = Pick<DestinationRow, 'setId' | 'uri'>;

/** How a URI may be written in the table of a flavour: possibly also without its scheme. */
export function storedSpellings(uri: string, flavour: FlavourName): string[] {
  const stored = storedText(uri);
  return flavourKind(flavour).takesBareHosts && stored.startsWith('sip:') ? [stored, stored.slice(4)] : [stored];
}
