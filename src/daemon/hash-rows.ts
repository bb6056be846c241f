import type { LoadedCfg } from '../cfg-file/load.js';
import { type HashRow, hashTableDefinition } from '../script/tables.js';
import { FaultyRows } from './faulty-rows.js';
import { type DatabaseRow, textIn } from './script-rows.js';

/** The database table of a hash table. */
export interface HashSource {
  /** Name of the hash table. */
  readonly name: string;
  readonly table: string;
  /** Column of the key, and columns of the value; undefined: as in the parameters of htable. */
  readonly columns: readonly string[] | undefined;
  /** Between the values of several columns. */
  readonly delimiter: string;
  /** Stands for a column without a value. */
  readonly nothing: string;
}

/** The hash tables in a file that are read from a database: "name=>size=8;dbtable=customers;". */
export function hashSources(cfg: LoadedCfg): HashSource[] {
  if (!cfg.loaded.has('htable')) return [];
  return (cfg.modules.get('htable')?.get('htable') ?? []).flatMap((each) => {
    const { name, options } = hashTableDefinition(String(each));
    const table = options.get('dbtable');
    if (table === undefined || table === '') return [];
    const option = (key: string): string | undefined => options.get(key)?.replace(/^'(.*)'$/, '$1');
    const columns = option('cols')
      ?.split(',')
      .map((column) => column.trim());
    return [{ name, table, columns, delimiter: option('coldelim') || ',', nothing: option('colnull') || '*' }];
  });
}

/** Maximum number of characters of a key and of a value. */
const MAX_CHARACTERS = 65_536;
/** Latest expiry of a row, in seconds since 1970. */
const LATEST = 2 ** 32 - 1;

/**
 * Converts rows to entries, as recorded for Kamailio 5.6.3: if a key occurs twice, the last row counts; rows of an
 * array become key[0], key[1] and so on; several columns are joined by commas (coldelim). `faulty` gets the keys of
 * rows without a value.
 */
export function hashRows(
  rows: readonly DatabaseRow[],
  { columns, delimiter, nothing }: HashSource,
  cfg: LoadedCfg,
  faulty: (key: string, reason: string) => void,
): HashRow[] {
  const parameter = (name: string, fallback: string): string =>
    String(cfg.modules.get('htable')?.get(name)?.at(-1) ?? fallback);
  const [keyColumn, valueColumn] = [
    parameter('key_name_column', 'key_name'),
    parameter('key_value_column', 'key_value'),
  ];
  const [keyType, valueType] = [parameter('key_type_column', 'key_type'), parameter('value_type_column', 'value_type')];
  const expiresColumn = parameter('expires_column', 'expires');
  const withExpiry = parameter('db_expires', '0') !== '0';
  const suffix = parameter('array_size_suffix', '::size');
  const sizes = new Map<string, number>();
  const entries: HashRow[] = [];
  const [key = '', ...values] = columns ?? [keyColumn, valueColumn];
  const leftOut = new FaultyRows(faulty);
  for (const row of rows) {
    const name = scriptText(textIn(row, key));
    // As recorded, the text for a missing value is used only where several columns are joined.
    const texts = values.map((column) => scriptText(textIn(row, column)) ?? (values.length > 1 ? nothing : undefined));
    if (name === undefined || texts.length === 0 || texts.includes(undefined)) {
      leftOut.add(name ?? '', 'it has no value');
      continue;
    }
    const text = texts.join(delimiter);
    if (name.length > MAX_CHARACTERS || text.length > MAX_CHARACTERS) {
      leftOut.add(name, `its key or value has more than ${MAX_CHARACTERS} characters`);
      continue;
    }
    const value = columns === undefined && Number(row[valueType] ?? 0) === 1 ? Number.parseInt(text, 10) || 0 : text;
    const expires = withExpiry ? secondsOf(row[expiresColumn]) : 0;
    if (columns !== undefined || Number(row[keyType] ?? 0) !== 1) {
      entries.push({ key: name, value, expires });
      continue;
    }
    const at = sizes.get(name) ?? 0;
    sizes.set(name, at + 1);
    entries.push({ key: `${name}[${at}]`, value, expires });
  }
  for (const [name, size] of sizes) entries.push({ key: `${name}${suffix}`, value: size, expires: 0 });
  leftOut.end();
  return entries;
}

/** Text as scripts have it, with one character for each byte of UTF-8. */
function scriptText(text: string | undefined): string | undefined {
  return text === undefined || !/[^\x00-\x7f]/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** The time in a column, in whole seconds; 0 if the value is not a time. */
function secondsOf(value: unknown): number {
  const seconds = typeof value === 'object' ? 0 : Math.trunc(Number(value ?? 0));
  return seconds > 0 ? Math.min(seconds, LATEST) : 0;
}
