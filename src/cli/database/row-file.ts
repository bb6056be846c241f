import { readFileSync } from 'node:fs';
import { CsvError, parse } from 'csv-parse/sync';
import { parseFreeswitchUrl } from '../../config/freeswitch-url.js';
import { messageOf, SwitchyardError, unreadableReason } from '../../core/errors.js';
import { stateNumber } from '../../store/rows.js';
import type { Cell, TableContent, TableRow } from '../../store/table-content.js';
import { readListText } from '../../store/table-content.js';

/*
 * Files of rows. JSON: an array, or one object per line. CSV (RFC 4180): the first record has the column names; as
 * PostgreSQL writes it, an empty field without quotes is null, and "" is an empty text. Also Kamailio's list file.
 */

/** Formats of such a file. */
export type RowFormat = 'json' | 'csv';

const NUMBERS = ['id', 'setid', 'state', 'probe_mode', 'priority', 'flags'];
const STATES = ['active', 'inactive', 'probing'] as const;
/** Limits for files of rows; 100,000 rows take about 20 MB. */
const MAX_COLUMNS = 100;

/** Writes rows in this format. */
export function formatRows({ columns, rows }: TableContent, format: RowFormat): string {
  if (format === 'json')
    return rows.length === 0 ? '[]\n' : `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`;
  const lines = rows.map((row) => columns.map((name) => csvField(row[name] ?? null)).join(','));
  return `${[columns.map(csvField).join(','), ...lines].join('\r\n')}\r\n`;
}

function csvField(value: Cell): string {
  if (value === null) return '';
  const text = String(value);
  return text === '' || /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Reads the rows of a file. Invalid lines of a list file go to `report`; the others are used. Throws SwitchyardError
 * USAGE with file and row.
 */
export function readRowFile(file: string, report: (problem: string) => void): readonly TableRow[] {
  let content: Buffer;
  try {
    content = readFileSync(file);
  } catch (error) {
    throw new SwitchyardError('USAGE', `cannot read ${file}: ${unreadableReason(error)}`, { cause: error });
  }
  return rowsIn(content, file, report);
}

/** As `readRowFile`, for content that has been read; `file` is its name in messages. */
export function rowsIn(content: Buffer, file: string, report: (problem: string) => void): readonly TableRow[] {
  const text = content.toString('utf8').replace(/^\ufeff/, '');
  if (/^\s*[[{]/.test(text)) return readJson(text, file).map((value, i) => checked(value, `${file} row ${i + 1}`));
  if (/^\s*"?[A-Za-z_][A-Za-z0-9_]*"?\s*,/.test(text)) {
    return readCsv(text, file).map((value, i) => checked(value, `${file} row ${i + 1}`));
  }
  const { rows, unreadable = [] } = readListText(content.toString('latin1'), file);
  for (const problem of unreadable) report(problem);
  return rows;
}

function readJson(text: string, file: string): unknown[] {
  try {
    if (text.trimStart().startsWith('[')) return JSON.parse(text) as unknown[];
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    return lines.map((line) => JSON.parse(line) as unknown);
  } catch (error) {
    const message = `${file} is neither a JSON array nor JSON lines: ${messageOf(error)}`;
    throw new SwitchyardError('USAGE', message, { cause: error });
  }
}

function readCsv(text: string, file: string): unknown[] {
  try {
    return parse(text, {
      columns: (names: string[]) => {
        if (names.length > MAX_COLUMNS) throw new SwitchyardError('USAGE', `more than ${MAX_COLUMNS} columns`);
        return names.map((name) => name.trim());
      },
      cast: (value, { quoting, header }) => (value === '' && !quoting && !header ? null : value),
      skip_empty_lines: true,
    }) as unknown[];
  } catch (error) {
    const line = error instanceof CsvError && typeof error['lines'] === 'number' ? ` line ${error['lines']}` : '';
    throw new SwitchyardError('USAGE', `${file}${line}: ${messageOf(error)}`, { cause: error });
  }
}

/** Checks that the values of a row have the types of their columns. Throws SwitchyardError USAGE. */
function checked(value: unknown, where: string): TableRow {
  const fault = (reason: string) => new SwitchyardError('USAGE', `${where}${reason}`);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fault(' is not an object');
  const row: Record<string, Cell> = {};
  for (const [name, given] of Object.entries(value as Record<string, unknown>)) {
    if (given !== null && typeof given === 'object') throw fault(`: ${name} is neither text nor a number`);
    row[name] = NUMBERS.includes(name) ? number(name, given, fault) : (given as Cell);
  }
  if (typeof row['setid'] !== 'number' || row['setid'] < 0) throw fault(': setid is not a number');
  if (typeof row['destination'] !== 'string') throw fault(': destination is missing');
  if (row['state'] !== undefined && row['state'] !== null && ![0, 1, 2].includes(row['state'] as number)) {
    throw fault(': state is not one of 0, 1, 2');
  }
  if (row['weight'] !== undefined && row['weight'] !== null) row['weight'] = weight(row['weight'], fault);
  return row;
}

type Fault = (reason: string) => SwitchyardError;

function number(name: string, given: unknown, fault: Fault): number | null {
  if (given === null || given === undefined) return null;
  const state = name === 'state' ? STATES.find((each) => each === given) : undefined;
  if (state !== undefined) return stateNumber(state);
  const value = typeof given === 'string' && !/^\s*-?[0-9]{1,15}\s*$/.test(given) ? Number.NaN : Number(given);
  if (!Number.isSafeInteger(value))
    throw fault(name === 'state' ? ': state is not one of 0, 1, 2' : `: ${name} is not a number`);
  return value;
}

/** The weight column is a text: a number, or the address of a FreeSWITCH server, which contains a password. */
function weight(given: Cell, fault: Fault): string {
  const text = String(given);
  if (/^\s*fs:/i.test(text)) {
    try {
      parseFreeswitchUrl(text.trim());
    } catch (error) {
      throw fault(`: weight: ${messageOf(error)}`);
    }
    return text;
  }
  if (!/^\s*[+-]?[0-9]{1,10}(\.0*)?\s*$/.test(text)) throw fault(': weight is not a number');
  return text;
}
