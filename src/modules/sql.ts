import { trimmed } from '../core/characters.js';
import { messageOf } from '../core/errors.js';
import { withoutLiterals } from '../core/sql-literals.js';
import type { PvarContext, PvarValue } from '../pvar/context.js';
import { compileFormat, type Format } from '../pvar/format.js';
import type { VariableDefinition } from '../pvar/variables/definition.js';
import type { CfgScope, MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import { PerCall } from '../script/per-call.js';
import type { SqlDatabase, SqlResult } from '../script/services.js';
import {
  type Arg,
  type FunctionSpec,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';

/** Connections by name: Kamailio's "ca=>mysql://...", OpenSIPS' "1 mysql://...", or a URL, which is number 0. */
function connections(texts: readonly string[]): Map<string, string> {
  const urls = new Map<string, string>();
  for (const text of texts) {
    const whole = trimmed(text);
    const arrow = whole.indexOf('=>');
    const space = whole.search(/[ \t\r\n]/);
    if (arrow > 0) urls.set(trimmed(whole.slice(0, arrow)), trimmed(whole.slice(arrow + 2)));
    else if (space > 0 && /^\d+$/.test(whole.slice(0, space)))
      urls.set(whole.slice(0, space), trimmed(whole.slice(space)));
    else if (whole !== '') urls.set('0', whole);
  }
  return urls;
}

/** Databases of a module by name, from the parameters in `names`. */
function databases(module: string, names: readonly string[]) {
  return {
    module,
    create: (parameters: ModuleParameters): ReadonlyMap<string, string> =>
      connections(names.flatMap((name) => parameters.all(name)).map(String)),
  };
}

const DATABASES = {
  sqlops: databases('sqlops', ['sqlcon', 'db_url']),
  avpops: databases('avpops', ['db_url', 'avp_url']),
};

type Urls = (run: MessageRun) => ReadonlyMap<string, string>;

/**
 * The URLs of a module's databases by name; "0" is the one without a name. Where a file of OpenSIPS sets none,
 * db_default_url is used.
 */
export function urlsOf(module: keyof typeof DATABASES): Urls {
  const state = DATABASES[module];
  return (run) => run.env.modules.of(state);
}

/** Results of sql_query by name, for the current message. */
const results = new PerCall(() => new Map<string, SqlResult>());
/** Maximum number of results for one message. */
const MAX_RESULTS = 32;

/**
 * Executes a statement; undefined when it failed, which is logged, or when the result came after the timeout of
 * async().
 */
export async function query(
  run: MessageRun,
  url: string | undefined,
  statement: string,
): Promise<SqlResult | undefined> {
  if (url === undefined) {
    run.env.peerLog.error({ callId: run.message.callId }, 'script: no database is configured for a query');
    return undefined;
  }
  try {
    const result = await run.env.services.database(url).query(statement);
    return run.overdue ? undefined : result;
  } catch (error) {
    const { text, without } = withoutLiterals(statement);
    const fields = {
      callId: run.message.callId,
      err: { message: without(messageOf(error)) },
      statement: text.slice(0, 256),
    };
    run.env.peerLog.error(fields, 'script: a query failed');
    return undefined;
  }
}

/** Whether a statement returns rows. */
function selects(statement: string): boolean {
  return /^[ \t\r\n]*(?:\([ \t\r\n]*)*(?:select|show|with|pragma|explain|call|values)\b/i.test(statement);
}

/**
 * Assigns columns of rows to variables; an AVP gets the values of all rows, in order. As recorded of Kamailio, a column
 * without a value changes nothing, and the earlier values of an AVP stay after the new ones.
 */
export function assign(run: MessageRun, targets: readonly Format[], rows: SqlResult['rows']): void {
  const adds = run.env.dialect === 'kamailio';
  targets.forEach((target, column) => {
    const avp = /^\$\(?avp\(([^)]*)\)/.exec(target.text)?.[1]?.replace(/^[si]:/, '');
    const values = rows.map((row) => row[column] ?? null);
    if (adds) {
      for (const value of values.reverse()) {
        if (value === null) continue;
        if (avp !== undefined) run.pvars.avps.push(avp, value);
        else target.assign(run.pvars, value);
      }
      return;
    }
    if (avp !== undefined)
      run.pvars.avps.replace(
        avp,
        values.map((each) => each ?? '<null>'),
      );
    else target.assign(run.pvars, values[0] ?? null);
  });
}

/** Parses "$avp(a);$avp(b)". Throws an Error with the reason. */
export function targetsIn(text: string): Format[] {
  return text
    .split(/[;,](?=[ \t\r\n]*\$)/)
    .map((each) => trimmed(each))
    .filter((each) => each !== '')
    .map((each) => {
      const format = compileFormat(each);
      if (!format.writable) throw new Error(`${each} is read-only`);
      return format;
    });
}

/** Without variables the columns are assigned to $avp(1), $avp(2) and so on. */
export function numbered(columns: number): Format[] {
  return Array.from({ length: columns }, (_, i) => compileFormat(`$avp(${i + 1})`));
}

const ofSqlops = urlsOf('sqlops');

/** A query of OpenSIPS with variables for the columns: 1 with rows, -2 without rows, -1 when it failed. */
function columnsQuery(
  name: string,
  urls: Urls,
  one: boolean,
  id: 'int' | 'expression',
  dialects: FunctionSpec['dialects'],
): FunctionSpec {
  return {
    name,
    ...(dialects === undefined ? {} : { dialects }),
    waits: true,
    async: true,
    parameters: [param('statement', 'string'), optional('variables', 'literal'), optional('database', id)],
    summary: `executes a statement; the columns of ${one ? 'the first row' : 'its rows'} are assigned to variables`,
    compile: ([statement, variables, database]) => {
      const targets = variables === undefined || variables.text === '' ? undefined : targetsIn(variables.text);
      return async (run) => {
        const text = textOf(statement, run);
        const result = await query(run, urls(run).get(textOf(database, run) || '0'), text);
        if (result === undefined) return -1;
        // As recorded, in Kamailio a statement without rows counts as an empty result.
        if (!selects(text)) return run.env.dialect === 'kamailio' ? -2 : 1;
        if (result.rows.length === 0) return -2;
        assign(run, targets ?? numbered(result.columns.length), one ? result.rows.slice(0, 1) : result.rows);
        return 1;
      };
    },
  };
}

const RESULT_ROUTES: FunctionSpec['routes'] = 'any';

const kamailio: FunctionSpec[] = [
  {
    name: 'sql_query',
    dialects: KAMAILIO,
    waits: true,
    parameters: [param('connection', 'string'), param('statement', 'string'), optional('result', 'string')],
    routes: RESULT_ROUTES,
    summary: 'executes a statement; $dbr(result=>...) reads the result',
    compile:
      ([connection, statement, result]) =>
      async (run) => {
        const text = textOf(statement, run);
        const found = await query(run, ofSqlops(run).get(textOf(connection, run)), text);
        if (found === undefined) return -1;
        const kept = results.of(run.pvars);
        if (result !== undefined && (kept.size < MAX_RESULTS || kept.has(result.text))) kept.set(result.text, found);
        // As recorded: 2 without rows, 3 when there are rows but no result name was given.
        return found.rows.length === 0 ? 2 : result === undefined ? 3 : 1;
      },
  },
  {
    name: 'sql_xquery',
    dialects: KAMAILIO,
    waits: true,
    parameters: [param('connection', 'string'), param('statement', 'string'), param('xavp', 'string')],
    summary: 'executes a statement; each row becomes a record of an xavp',
    compile:
      ([connection, statement, xavp]) =>
      async (run) => {
        const text = textOf(statement, run);
        const found = await query(run, ofSqlops(run).get(textOf(connection, run)), text);
        if (found === undefined) return -1;
        const { xavps } = run.pvars;
        const name = textOf(xavp, run);
        // The newest record has index 0, so the first row is added last.
        for (const row of [...found.rows].reverse()) {
          const record = xavps.push(name);
          for (const [i, column] of found.columns.entries()) xavps.set(record, column, row[i] ?? null);
        }
        return found.rows.length === 0 ? 2 : 1;
      },
  },
  {
    name: 'sql_pvquery',
    dialects: KAMAILIO,
    waits: true,
    parameters: [param('connection', 'string'), param('statement', 'string'), param('variables', 'literal')],
    summary: 'executes a statement; the columns of its rows are assigned to variables',
    compile: ([connection, statement, variables]) => {
      const targets = targetsIn((variables as Arg).text);
      return async (run) => {
        const text = textOf(statement, run);
        const found = await query(run, ofSqlops(run).get(textOf(connection, run)), text);
        if (found === undefined) return -1;
        if (found.rows.length === 0) return 2;
        assign(run, targets, found.rows);
        return 1;
      };
    },
  },
  {
    name: 'sql_query_async',
    dialects: KAMAILIO,
    parameters: [param('connection', 'string'), param('statement', 'string')],
    summary: 'executes a statement without waiting for it',
    compile:
      ([connection, statement]) =>
      (run) => {
        void query(run, ofSqlops(run).get(textOf(connection, run)), textOf(statement, run));
        return 1;
      },
  },
  {
    name: 'sql_result_free',
    dialects: KAMAILIO,
    parameters: [param('result', 'string')],
    summary: 'frees a result',
    compile:
      ([result]) =>
      (run) => {
        // As recorded, a freed result has no rows.
        const kept = results.of(run.pvars);
        if (kept.has(textOf(result, run))) kept.set(textOf(result, run), { columns: [], rows: [] });
        return 1;
      },
  },
];

const opensips: FunctionSpec[] = [
  columnsQuery('sql_query', ofSqlops, false, 'int', OPENSIPS),
  columnsQuery('sql_query_one', ofSqlops, true, 'int', OPENSIPS),
];

/** $dbr(result=>rows), $dbr(result=>[row,column]), $dbr(result=>colname[n]). */
const dbr: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile: (argument) => {
    const { constant } = argument ?? {};
    if (constant !== undefined && !RESULT_PART.test(trimmed(constant)))
      throw new Error('needs result=>rows, cols, [row,column] or colname[column]');
    return {
      get: (context: PvarContext): PvarValue => {
        const text = constant ?? argument?.read(context) ?? '';
        const [name = '', what = ''] = text.split('=>').map((each) => trimmed(each));
        // As recorded, a result that no query has filled has no rows.
        const found = results.known(context as CfgScope)?.get(name) ?? NO_RESULT;
        if (what === 'rows') return found.rows.length;
        if (what === 'cols') return found.columns.length;
        const cell = /^\[[ \t\r\n]*(-?\d+)[ \t\r\n]*,[ \t\r\n]*(-?\d+)[ \t\r\n]*\]$/.exec(what);
        if (cell !== null) return found.rows[Number(cell[1])]?.[Number(cell[2])] ?? null;
        const column = /^colname\[[ \t\r\n]*(\d+)[ \t\r\n]*\]$/.exec(what);
        return column === null ? null : (found.columns[Number(column[1])] ?? null);
      },
    };
  },
};

const RESULT_PART =
  /^[^=]+=>(?:rows|cols|\[[ \t]*[+-]?\d+[ \t]*,[ \t]*[+-]?\d+[ \t]*\]|colname\[[ \t]*[+-]?\d+[ \t]*\])$/;
const NO_RESULT: SqlResult = { columns: [], rows: [] };

/** Variables of Kamailio's sqlops. */
export const sqlVariables: readonly [string, VariableDefinition][] = [['dbr', dbr]];

/** Functions of sqlops that execute a statement as given, and avp_db_query. */
export const sqlFunctions: ScriptFunction[] = [
  ...moduleFunctions('sqlops', [...kamailio, ...opensips]),
  ...moduleFunctions('avpops', [columnsQuery('avp_db_query', urlsOf('avpops'), false, 'expression', undefined)]),
];

/** Whether a text can be the name of a table or column. */
export function isSqlName(text: string): boolean {
  return /^[\w.]+$/.test(text);
}

/** The condition after WHERE for columns that must have these values. */
export function sqlCondition(
  database: SqlDatabase,
  columns: readonly (readonly [name: string, value: string])[],
): string {
  return columns.map(([name, value]) => `${name} = ${database.quoted(value)}`).join(' AND ');
}

/** Local time as "2026-01-31 12:30:05", the form both programs write. */
export function databaseTime(ms: number): string {
  const d = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}
