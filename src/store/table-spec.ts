import type { DatabaseUrl } from '../config/db-url.js';
import type { ColumnNames } from '../config/settings.js';
import type { DestinationRow } from '../engine/destination.js';
import { flavourKind } from '../engine/flavours.js';
import type { FlavourName } from '../engine/options.js';
import { stateNumber, storedText } from './rows.js';
import { DOCUMENTED, type Field, type TableShape } from './table.js';

/** A dispatcher table, for the tools that make and fill one. */
export interface TableSpec {
  readonly url: DatabaseUrl;
  readonly table: string;
  readonly columns: ColumnNames;
  readonly flavour: FlavourName;
}

/** The table as rows are read from it and written to it, its state column included. */
export function shapeOf(spec: TableSpec): TableShape {
  const description = `table ${spec.table} of ${spec.url.display}`;
  return { ...spec, description, persistentState: true };
}

/** What making a table came to. */
export interface InitReport {
  /** False when the table was there already: it is left as it is. */
  readonly tableCreated: boolean;
  readonly versionAdded: boolean;
  readonly version: number;
}

/** A destination to be inserted; what is left out gets the column's default. */
export type NewRow = Pick<DestinationRow, 'setId' | 'uri'> & Partial<DestinationRow>;

/** What a destination is in the columns of its table: every field but the id, which the database gives. */
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

/** What identifies a row to be deleted; the same URI with two sockets is two rows, and both are deleted. */
export type RowIdentity = Pick<DestinationRow, 'setId' | 'uri'>;

/** How a URI may stand in the table of a flavour: without its scheme too, where that is taken. */
export function storedSpellings(uri: string, flavour: FlavourName): string[] {
  const stored = storedText(uri);
  return flavourKind(flavour).takesBareHosts && stored.startsWith('sip:') ? [stored, stored.slice(4)] : [stored];
}
