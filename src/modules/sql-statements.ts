import { trimmed } from '../core/characters.js';
import type { SqlDatabase } from '../script/services.js';
import {
  type FunctionSpec,
  intOf,
  moduleFunctions,
  OPENSIPS,
  optional,
  type ScriptFunction,
  textOf,
} from './define.js';
import { assign, isSqlName, numbered, query, targetsIn, urlsOf } from './sql.js';

const ofSqlops = urlsOf('sqlops');

/** The name of a table or column given as text; '' when it is not valid. */
function identifier(text: string): string {
  const name = trimmed(text);
  return isSqlName(name) ? name : '';
}

/** A column of a query: its name, "*", or a function of one, optionally with "as" and a name. */
const COLUMN = /^(?:[\w.]{1,128}|\*|\w{1,64}\((?:distinct )?(?:[\w.]{1,128}|\*)?\))(?: as \w{1,64})?$/i;
/** An ORDER BY list. */
const ORDER =
  /^[ \t\r\n]*[\w.]+(?:[ \t\r\n]+(?:asc|desc))?(?:[ \t\r\n]*,[ \t\r\n]*[\w.]+(?:[ \t\r\n]+(?:asc|desc))?)*[ \t\r\n]*$/i;

/** The columns of a query, from a JSON array; undefined for any other text. */
function columnsIn(text: string): readonly string[] | undefined {
  if (trimmed(text) === '') return [];
  try {
    const list = JSON.parse(text) as unknown;
    if (!Array.isArray(list) || list.length > MAX_COLUMNS) return undefined;
    return list.every((each) => typeof each === 'string' && COLUMN.test(trimmed(each)))
      ? (list as string[])
      : undefined;
  } catch {
    return undefined;
  }
}

const MAX_COLUMNS = 256;

/** Checks of the constant parts of a statement; they return the error, if any. */
const PART_CHECKS: Readonly<Record<string, (text: string) => string | undefined>> = {
  columns: (text) => (columnsIn(text) === undefined ? `"${text}" is not JSON array of columns` : undefined),
  table: (text) => (identifier(text) === '' ? `"${text}" is not a name of a table` : undefined),
  order: (text) => (text === '' || ORDER.test(text) ? undefined : `"${text}" is not an order of columns`),
};

/** Writes a value from the JSON arguments of sql_select and similar functions as an SQL literal. */
type Literal = (value: unknown) => string;

function literalOf(database: SqlDatabase): Literal {
  return (value) =>
    database.quoted(value === null || value === undefined ? null : typeof value === 'number' ? value : String(value));
}

/**
 * Parses a JSON array of objects with one property each: [{"user": "alice"}, {"age": {">": 5}}]. Undefined for any
 * other text.
 */
function pairs(text: string): [string, unknown][] | undefined {
  try {
    const read = JSON.parse(text) as unknown;
    if (!Array.isArray(read)) return undefined;
    return read.flatMap((each) => Object.entries(each as Record<string, unknown>));
  } catch {
    return undefined;
  }
}

function condition(text: string, literal: Literal): string | undefined {
  if (trimmed(text) === '') return '';
  const all = pairs(text);
  if (all === undefined) return undefined;
  const parts = all.map(([column, value]) => {
    const [[operator = '=', operand]] =
      value !== null && typeof value === 'object'
        ? (Object.entries(value) as [[string, unknown]])
        : [['=', value] as [string, unknown]];
    if (!/^(?:=|<|>|<=|>=|!=|<>|like)$/i.test(operator) || identifier(column) === '') return undefined;
    return operand === null ? `${column} IS NULL` : `${column} ${operator} ${literal(operand)}`;
  });
  return parts.includes(undefined) ? undefined : ` WHERE ${parts.join(' AND ')}`;
}

function built(
  name: string,
  names: readonly string[],
  text: (args: readonly string[], literal: Literal) => string | undefined,
  result: number,
): FunctionSpec {
  const max = names.length;
  return {
    name,
    dialects: OPENSIPS,
    waits: true,
    async: true,
    parameters: [
      ...names.map((each) => {
        const check = PART_CHECKS[each];
        return optional(each, 'string', check === undefined ? {} : { check: (value) => check(String(value)) });
      }),
      ...(result > 0 ? [optional('variables', 'literal')] : []),
      optional('database', 'int'),
    ],
    summary: 'executes a statement built from its parts',
    compile: (args) => {
      const variables = result > 0 ? args[max] : undefined;
      const targets = variables === undefined || variables.text === '' ? undefined : targetsIn(variables.text);
      const database = args[result > 0 ? max + 1 : max];
      return async (run) => {
        const url = ofSqlops(run).get(String(intOf(database, run, 0)));
        const literal = url === undefined ? String : literalOf(run.env.services.database(url));
        const statement = text(
          args.slice(0, max).map((each) => textOf(each, run)),
          literal,
        );
        if (statement === undefined) return -1;
        const found = await query(run, url, statement);
        if (found === undefined) return -1;
        if (result === 0) return 1;
        if (found.rows.length === 0) return -2;
        assign(run, targets ?? numbered(found.columns.length), result === 1 ? found.rows.slice(0, 1) : found.rows);
        return 1;
      };
    },
  };
}

function selection(
  [columns = '', table = '', filter = '', order = '']: readonly string[],
  literal: Literal,
): string | undefined {
  const list = columnsIn(columns);
  const where = condition(filter, literal);
  if (list === undefined || where === undefined || identifier(table) === '') return undefined;
  if (order !== '' && !ORDER.test(order)) return undefined;
  const shown = list.length === 0 ? '*' : list.join(', ');
  return `SELECT ${shown} FROM ${table}${where}${order === '' ? '' : ` ORDER BY ${order}`}`;
}

function insertion(verb: string, [table = '', columns = '']: readonly string[], literal: Literal): string | undefined {
  const all = pairs(columns);
  if (all === undefined || identifier(table) === '' || all.some(([name]) => identifier(name) === '')) return undefined;
  return `${verb} INTO ${table} (${all.map(([name]) => name).join(', ')}) VALUES (${all.map(([, value]) => literal(value)).join(', ')})`;
}

const SELECTED = ['columns', 'table', 'filter', 'order'];

/** Functions of OpenSIPS' sqlops that build a statement from its parts. */
export const sqlStatementFunctions: ScriptFunction[] = moduleFunctions('sqlops', [
  built('sql_select', SELECTED, selection, 2),
  built('sql_select_one', SELECTED, selection, 1),
  built(
    'sql_update',
    ['values', 'table', 'filter'],
    ([columns = '', table = '', filter = ''], literal) => {
      const all = pairs(columns);
      const where = condition(filter, literal);
      if (all === undefined || where === undefined || identifier(table) === '') return undefined;
      if (all.some(([name]) => identifier(name) === '')) return undefined;
      return `UPDATE ${table} SET ${all.map(([name, value]) => `${identifier(name)} = ${literal(value)}`).join(', ')}${where}`;
    },
    0,
  ),
  built('sql_insert', ['table', 'values'], (args, literal) => insertion('INSERT', args, literal), 0),
  built('sql_replace', ['table', 'values'], (args, literal) => insertion('REPLACE', args, literal), 0),
  built(
    'sql_delete',
    ['table', 'filter'],
    ([table = '', filter = ''], literal) => {
      const where = condition(filter, literal);
      return where === undefined || identifier(table) === '' ? undefined : `DELETE FROM ${table}${where}`;
    },
    0,
  ),
]);
