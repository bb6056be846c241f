import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { SwitchyardError } from '../core/errors.js';
import { formatTextRow, parseTextRow, readTextTable, replaceFile, type TextTable } from './db-text.js';
import { columnsOf, type Field, mapColumns, VERSION_TABLE } from './table.js';
import {
  type InitReport,
  type NewRow,
  type RowIdentity,
  rowValues,
  shapeOf,
  storedSpellings,
  type TableSpec,
} from './table-spec.js';
import { readTextVersion } from './text-store.js';

/** Column types in db_text; a field whose type lacks "null" must not be empty. */
const TYPES: Readonly<Record<Field, string>> = {
  id: 'int,auto',
  setid: 'int',
  destination: 'string',
  socket: 'string,null',
  state: 'int',
  probeMode: 'int',
  weight: 'string',
  priority: 'int',
  attrs: 'string,null',
  description: 'string,null',
  flags: 'int',
};
const VERSION_HEADER = 'table_name(string) table_version(int)';

/** initDatabase for a db_text folder. */
export async function initTextTable(folder: string, spec: TableSpec, version: number): Promise<InitReport> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, spec.table);
  const tableCreated = (await existing(path)) === undefined;
  if (tableCreated) {
    const columns = columnsOf(spec.columns, spec.flavour);
    const header = columns.map(([field, column]) => `${column}(${TYPES[field]})`).join(' ');
    await replaceFile(path, `${header}\n`);
  }
  const found = await readTextVersion(folder, spec.table);
  if (found === undefined) {
    const versions = join(folder, VERSION_TABLE);
    const old = await existing(versions);
    const lines = (old?.lines ?? []).filter((line) => line !== '');
    const row = formatTextRow([spec.table, String(version)]);
    await replaceFile(versions, `${[old?.header ?? VERSION_HEADER, ...lines, row].join('\n')}\n`);
  }
  return { tableCreated, versionAdded: found === undefined, version: Number(found ?? version) };
}

/** insertRows for a db_text folder: new IDs continue after the highest. */
export async function insertTextRows(
  folder: string,
  spec: TableSpec,
  rows: readonly NewRow[],
  replace: boolean,
): Promise<number> {
  const path = join(folder, spec.table);
  const table = await readTextTable(path);
  const columns = mapColumns(shapeOf(spec), table.columns);
  const lines = replace ? [] : table.lines.filter((line) => line !== '');
  const idColumn = columns.get('id');
  const idAt = idColumn === undefined ? -1 : table.columns.indexOf(idColumn);
  let nextId = 1 + lines.reduce((highest, line) => Math.max(highest, Number(parseTextRow(line)[idAt]) || 0), 0);
  for (const row of rows) {
    const values = rowValues(row);
    const fields = table.columns.map(() => '');
    for (const [field, column] of columns) {
      const value = field === 'id' ? nextId++ : (values[field] ?? '');
      // The file has bytes, so UTF-8 text is written as its bytes.
      fields[table.columns.indexOf(column)] = Buffer.from(String(value), 'utf8').toString('latin1');
    }
    lines.push(formatTextRow(fields));
  }
  await replaceFile(path, `${[table.header, ...lines].join('\n')}\n`);
  return rows.length;
}

/** deleteRows for a db_text folder. */
export async function deleteTextRows(folder: string, spec: TableSpec, rows: readonly RowIdentity[]): Promise<number> {
  const path = join(folder, spec.table);
  const table = await readTextTable(path);
  const columns = mapColumns(shapeOf(spec), table.columns);
  const setid = table.columns.indexOf(columns.get('setid') as string);
  const destination = table.columns.indexOf(columns.get('destination') as string);
  const unwanted = new Set(
    rows.flatMap(({ setId, uri }) =>
      storedSpellings(uri, spec.flavour).map((each) => `${setId} ${Buffer.from(each, 'utf8').toString('latin1')}`),
    ),
  );
  const kept = table.lines.filter((line) => {
    const fields = parseTextRow(line);
    return !unwanted.has(`${Number(fields[setid])} ${fields[destination]}`);
  });
  if (kept.length < table.lines.length) await replaceFile(path, [table.header, ...kept].join('\n'));
  return table.lines.length - kept.length;
}

async function existing(path: string): Promise<TextTable | undefined> {
  return readTextTable(path).catch((error: SwitchyardError) => {
    if (error.code === 'STORE_UNREACHABLE') return undefined;
    throw error;
  });
}
