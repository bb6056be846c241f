import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseDatabaseUrl } from '../../config/db-url.js';
import { below, type Problem } from '../../config/problem.js';
import type { PartitionConfig } from '../../config/settings.js';
import { maskSecrets } from '../../core/mask.js';
import type { Discarded, RowPosition } from '../../engine/partition.js';
import { parseTextRow, readTextTable } from '../../store/db-text.js';
import { parseListLine } from '../../store/list-file.js';

/**
 * The rows that a load discards, each with its position: a line of a list file or db_text file; in a database
 * "URL#/TABLE/ID/COLUMN".
 */
export async function rowProblems(partition: PartitionConfig, discarded: readonly Discarded[]): Promise<Problem[]> {
  const url = parseDatabaseUrl(partition.dbUrl, dirname(partition.source));
  const reasonOf = ({ row, reason }: Discarded) =>
    maskSecrets(`partition "${partition.name}": row discarded: ${row}: ${reason}`);
  if (url.kind === 'list' || url.kind === 'text') {
    const file = url.kind === 'list' ? url.path : join(url.path, partition.tableName);
    const missing = discarded.some(({ at }) => at?.line === undefined);
    const find = !missing ? undefined : url.kind === 'list' ? await listLine(file) : await textLine(file, partition);
    return discarded.map((each) => {
      const line = each.at?.line ?? (each.at === undefined ? undefined : find?.(each.at));
      return { file, pointer: '', ...(line === undefined ? {} : { line }), reason: reasonOf(each) };
    });
  }
  return discarded.map((each) => {
    const { id, column } = each.at ?? {};
    const keys = id === undefined ? [] : column === undefined ? [id] : [id, column];
    return { file: url.display, pointer: below('', partition.tableName, ...keys), reason: reasonOf(each) };
  });
}

type FindLine = (at: RowPosition) => number | undefined;

/** Returns a function that finds the line of a destination in a list file. */
async function listLine(file: string): Promise<FindLine> {
  const lines = (await readFile(file, 'latin1')).split('\n').map((line) => {
    const read = parseListLine(line);
    return read !== undefined && 'row' in read ? read.row : undefined;
  });
  return ({ setId, uri }) => {
    const index = lines.findIndex(
      (row) => row !== undefined && Number(row.setid) === setId && isSame(row.destination, uri),
    );
    return index < 0 ? undefined : index + 1;
  };
}

/** Returns a function that finds the line of an ID in a db_text file. */
async function textLine(file: string, { columns }: PartitionConfig): Promise<FindLine> {
  const table = await readTextTable(file);
  const at = table.columns.indexOf(columns.id);
  const ids = table.lines.map((line) => parseTextRow(line)[at]);
  return ({ id }) => {
    const index = id === undefined ? -1 : ids.indexOf(String(id));
    return index < 0 ? undefined : index + 2;
  };
}

/** Compares a destination in a list file, which may lack the scheme. */
function isSame(destination: unknown, uri: string | undefined): boolean {
  const written = Buffer.isBuffer(destination) ? destination.toString('latin1') : String(destination);
  return written === uri || `sip:${written}` === uri;
}
