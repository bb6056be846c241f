import { randomBytes } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import type { PartitionConfig } from '../../config/settings.js';
import { messageOf, SwitchyardError } from '../../core/errors.js';
import { maskSecrets } from '../../core/mask.js';
import { type RowDifference, rowDifference } from '../../store/row-difference.js';
import { type Cell, completed, readTable, type TableRow, writeTable } from '../../store/table-content.js';
import { usageError } from '../line/command.js';
import type { CommandIo } from '../line/io.js';
import { progress } from '../line/progress.js';
import { standardInput } from '../line/standard-input.js';
import { colored } from '../line/style.js';
import { chosen, type DatabaseOptions } from './database.js';
import { formatRows, type RowFormat, readRowFile, rowsIn } from './row-file.js';
import { faultsOf, tableOf } from './tables.js';

/** The single partition to export or import. Throws SwitchyardError USAGE. */
function onlyOne(options: DatabaseOptions, what: string, io: CommandIo): PartitionConfig {
  const { partitions } = chosen(options, io);
  const [only] = partitions;
  if (only === undefined || partitions.length > 1) throw usageError(`db ${what} needs --partition P`);
  return only;
}

/** switchyard db export. Returns the exit status. */
export async function exportTable(
  options: DatabaseOptions & { readonly format?: RowFormat | undefined },
  file: string | undefined,
  io: CommandIo,
): Promise<number> {
  const partition = onlyOne(options, 'export', io);
  const content = await readTable(tableOf(partition));
  for (const problem of content.unreadable ?? []) io.err(`${problem}; the row is left out\n`);
  const format = options.format ?? (file !== undefined && /\.csv$/i.test(file) ? 'csv' : 'json');
  const text = formatRows(content, format);
  if (file === undefined || file === '-') io.out(text);
  else writeWhole(file, text);
  const to = file === undefined || file === '-' ? '' : ` in ${file}`;
  io.err(`partition ${partition.name}: ${content.rows.length} rows, ${content.columns.length} columns${to}\n`);
  return 0;
}

/** Replaces the file in one step: a reader sees the old or the new one, never a part. Throws SwitchyardError USAGE. */
function writeWhole(file: string, text: string): void {
  const temporary = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    writeFileSync(temporary, text, { mode: 0o600, flag: 'wx' });
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new SwitchyardError('USAGE', `cannot write ${file}: ${messageOf(error)}`, { cause: error });
  }
}

interface ImportOptions extends DatabaseOptions {
  readonly replace?: boolean | undefined;
  readonly 'if-empty'?: boolean | undefined;
  readonly 'dry-run'?: boolean | undefined;
}

/** switchyard db import. Returns the exit status. */
export async function importFile(options: ImportOptions, file: string, io: CommandIo): Promise<number> {
  const partition = onlyOne(options, 'import', io);
  const table = tableOf(partition);
  const replace = options.replace === true;
  const say = (text: string) => io.out(`partition ${partition.name}: ${text}\n`);
  if (options['if-empty'] === true) {
    const { rows } = await readTable(table);
    if (rows.length > 0) {
      say(`has ${rows.length} rows already, nothing added`);
      return 0;
    }
  }
  const noteLine = (problem: string) => io.err(`${problem}\n`);
  const rows = file === '-' ? rowsIn(await standardInput(io), file, noteLine) : readRowFile(file, noteLine);
  for (const fault of faultsOf(rows, partition, file)) io.err(`${fault}\n`);
  if (options['dry-run'] === true) {
    const { columns, rows: before } = await readTable(table);
    const after = completed(rows, columns);
    showDifference(rowDifference(before, replace ? after : [...before, ...after]), options.json === true, io);
    return 0;
  }
  const shown = progress(io, 'rows', rows.length);
  const report = await writeTable(table, rows, { replace, written: shown.at }).finally(shown.end);
  for (const name of report.leftOut) io.err(`the table has no column "${name}": values of this column are left out\n`);
  if (options.json === true) io.out(`${JSON.stringify({ partition: partition.name, ...report })}\n`);
  else say(`${report.rows} rows ${replace ? 'written, the old ones removed' : 'added'}`);
  return 0;
}

function showDifference(difference: RowDifference, json: boolean, io: CommandIo): void {
  const { added, removed, changed, unchanged } = difference;
  if (json) {
    io.out(`${maskSecrets(JSON.stringify(difference))}\n`);
    return;
  }
  const paint = colored(io.terminal);
  for (const row of removed) io.out(`${paint('red', `- ${rowText(row)}`)}\n`);
  for (const row of added) io.out(`${paint('green', `+ ${rowText(row)}`)}\n`);
  for (const { row, columns } of changed) {
    const values = Object.entries(columns).map(([name, [from, to]]) => `${name} ${cellText(from)} -> ${cellText(to)}`);
    io.out(
      `${paint('yellow', `~ set ${row['setid']} ${cellText(row['destination'] ?? null)}: ${values.join(', ')}`)}\n`,
    );
  }
  const counts = `${added.length} added, ${removed.length} removed, ${changed.length} changed, ${unchanged} unchanged`;
  io.err(`dry run: ${counts}\n`);
}

function rowText({ setid, destination, id: _, ...values }: TableRow): string {
  const others = Object.entries(values).filter(([, value]) => value !== null && value !== '');
  const words = others.map(([name, value]) => `${name} ${cellText(value)}`);
  return [`set ${setid} ${cellText(destination ?? null)}`, ...words].join('  ');
}

/** A value on one line, with passwords of FreeSWITCH addresses masked. */
function cellText(value: Cell): string {
  if (typeof value !== 'string') return String(value);
  const masked = maskSecrets(value);
  return /^[\x21-\x7e\u00a0-\uffff]+$/.test(masked) ? masked : JSON.stringify(masked);
}
