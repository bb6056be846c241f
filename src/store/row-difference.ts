import type { Cell, TableRow } from './table-content.js';

/** A row with other values on each side. */
export interface ChangedRow {
  readonly row: TableRow;
  /** By column: the value in the table, and the new one. */
  readonly columns: Readonly<Record<string, readonly [from: Cell, to: Cell]>>;
}

/** The differences between two versions of a table. */
export interface RowDifference {
  readonly added: readonly TableRow[];
  readonly removed: readonly TableRow[];
  readonly changed: readonly ChangedRow[];
  readonly unchanged: number;
}

/**
 * What would change if the rows `before` were replaced by `after`. Rows with the same set, URI and socket are the same
 * destination; if there are several, those with equal values are matched first. IDs are ignored, and null equals empty.
 * Linear in the number of rows, except for repeated rows.
 */
export function rowDifference(before: readonly TableRow[], after: readonly TableRow[]): RowDifference {
  const equal = countOf(before.map(valuesOf));
  const take = (row: TableRow): boolean => {
    const values = valuesOf(row);
    const count = equal.get(values) ?? 0;
    if (count > 0) equal.set(values, count - 1);
    return count > 0;
  };
  const differing = after.filter((row) => !take(row));
  const unchanged = after.length - differing.length;
  // The rows without an equal one on the other side.
  const spare = new Map<string, TableRow[]>();
  for (const row of [...before].reverse()) {
    if (!take(row)) continue;
    const key = identityOf(row);
    const alike = spare.get(key);
    if (alike === undefined) spare.set(key, [row]);
    else alike.push(row);
  }
  const added: TableRow[] = [];
  const changed: ChangedRow[] = [];
  for (const row of differing) {
    const old = spare.get(identityOf(row))?.pop();
    if (old === undefined) added.push(row);
    else changed.push({ row, columns: changesOf(old, row) });
  }
  return { added, removed: [...spare.values()].flatMap((rows) => rows.reverse()).reverse(), changed, unchanged };
}

function identityOf(row: TableRow): string {
  return JSON.stringify([row['setid'], row['destination'], text(row['socket'])]);
}

function valuesOf(row: TableRow): string {
  const names = Object.keys(row).filter((name) => name !== 'id' && text(row[name]) !== '');
  return JSON.stringify(names.sort().map((name) => [name, text(row[name])]));
}

function countOf(keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

function changesOf(old: TableRow, row: TableRow): ChangedRow['columns'] {
  const names = [...new Set([...Object.keys(old), ...Object.keys(row)])].filter((name) => name !== 'id');
  const differing = names.filter((name) => text(old[name]) !== text(row[name]));
  return Object.fromEntries(differing.map((name) => [name, [old[name] ?? null, row[name] ?? null] as const]));
}

function text(value: Cell | undefined): string {
  return value === null || value === undefined ? '' : String(value);
}
