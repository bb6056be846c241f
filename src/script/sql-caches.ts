import { trimmed } from '../core/characters.js';
import type { PvarValue } from '../pvar/value.js';

/** A table that sql_cacher keeps in memory, as `cache_table` defines it. */
export interface SqlCacheDefinition {
  readonly id: string;
  readonly url: string;
  readonly table: string;
  /** Column whose value names a row. */
  readonly key: string;
  /** Columns to keep; empty: all. */
  readonly columns: readonly string[];
  /** Seconds from one reading of the table to the next. */
  readonly seconds: number;
}

/** The rows of such a table by their key. */
export interface SqlCache {
  /** Position in a row by the name of the column. */
  readonly columns: ReadonlyMap<string, number>;
  readonly rows: ReadonlyMap<string, readonly PvarValue[]>;
}

/** The parameters that the definitions depend on. */
interface CacheParameters {
  text(name: string, fallback: string): string;
  int(name: string, fallback: number): number;
  all(name: string): readonly (string | number)[];
}

const NAMES = ['id', 'db_url', 'cachedb_url', 'table', 'key', 'key_type', 'columns', 'on_demand', 'expire'];

/** The single character that a parameter has; a line end may be written as "\n". */
function delimiter(parameters: CacheParameters, name: string, fallback: string): string {
  const text = parameters.text(name, fallback).replace(/^\\n$/, '\n').replace(/^\\t$/, '\t');
  if (text.length !== 1) throw new Error(`${name} must be a single character, not "${text}"`);
  return text;
}

/** What separates id, column and key in $sql_cached_value(). Throws an Error for more than a character. */
export function cacheDelimiter(parameters: CacheParameters): string {
  return delimiter(parameters, 'pvar_delimiter', ':');
}

function secondsIn(text: string | undefined, fallback: number, name: string): number {
  if (text === undefined) return fallback;
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${name} must be a number of seconds, not "${text}"`);
  return Number(text);
}

/** The tables that a file has sql_cacher keep. Throws an Error for the first definition that cannot be used. */
export function sqlCacheDefinitions(parameters: CacheParameters): SqlCacheDefinition[] {
  const between = delimiter(parameters, 'spec_delimiter', '\n');
  const columnsEnd = delimiter(parameters, 'columns_delimiter', ' ');
  const whole = Math.max(parameters.int('full_caching_expire', 86_400) - parameters.int('reload_interval', 60), 1);
  return parameters.all('cache_table').map((text) => {
    const given = new Map<string, string>();
    for (const part of String(text).split(between)) {
      const equals = part.indexOf('=');
      const name = trimmed(equals < 0 ? part : part.slice(0, equals));
      if (name === '') continue;
      if (equals < 0 || !NAMES.includes(name)) throw new Error(`cache_table: "${name}" is none of ${NAMES.join(', ')}`);
      given.set(name, trimmed(part.slice(equals + 1)));
    }
    const needed = (name: string): string => {
      const value = given.get(name) ?? '';
      if (value === '') throw new Error(`cache_table: ${name} is missing`);
      return value;
    };
    const onDemand = (given.get('on_demand') ?? '0') !== '0';
    return {
      id: needed('id'),
      url: needed('db_url'),
      table: needed('table'),
      key: needed('key'),
      columns: (given.get('columns') ?? '')
        .split(columnsEnd)
        .map(trimmed)
        .filter((each) => each !== ''),
      seconds: onDemand ? Math.max(secondsIn(given.get('expire'), 3600, 'expire'), 1) : whole,
    };
  });
}
