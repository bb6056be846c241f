import { trimmed } from '../core/characters.js';
import { namedValues } from '../core/named-values.js';
import type { PvarValue } from '../pvar/context.js';
import { compileFormat, type Format } from '../pvar/format.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import type { SqlDatabase } from '../script/services.js';
import {
  type Arg,
  BOTH,
  code,
  type FunctionSpec,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';
import { isSqlName, query, urlsOf } from './sql.js';
import { cutUri } from './uri-parts.js';

/** Table and columns that hold attributes. */
interface AttributeTable {
  readonly table: string;
  readonly uuid: string;
  readonly username: string;
  readonly domain: string;
  readonly attribute: string;
  readonly value: string;
  readonly type: string;
}

function columnsOf(parameters: ModuleParameters, table: string): AttributeTable {
  return {
    table: parameters.text(table, 'usr_preferences'),
    uuid: parameters.text('uuid_column', 'uuid'),
    username: parameters.text('username_column', 'username'),
    domain: parameters.text('domain_column', 'domain'),
    attribute: parameters.text('attribute_column', 'attribute'),
    value: parameters.text('value_column', 'value'),
    type: parameters.text('type_column', 'type'),
  };
}

interface Attributes {
  readonly columns: AttributeTable;
  readonly useDomain: boolean;
  /** Tables with other columns, by their name in "db_scheme"; each row is one value. */
  readonly schemes: ReadonlyMap<string, Scheme>;
}

interface Scheme {
  readonly columns: AttributeTable;
  readonly integer: boolean;
}

/** Parses "name: table=t; username_col=u; value_col=v; value_type=integer". */
function schemeOf(text: string, fallback: AttributeTable): [string, Scheme] {
  const colon = text.indexOf(':');
  const written = namedValues(text.slice(colon + 1));
  const given = new Map([...written].map(([name, value]) => [name.toLowerCase(), value]));
  const columns = {
    ...fallback,
    table: given.get('table') ?? fallback.table,
    uuid: given.get('uuid_col') ?? fallback.uuid,
    username: given.get('username_col') ?? fallback.username,
    domain: given.get('domain_col') ?? fallback.domain,
    value: given.get('value_col') ?? fallback.value,
  };
  return [trimmed(text.slice(0, colon)), { columns, integer: /^int/i.test(given.get('value_type') ?? '') }];
}

function attributesOf(module: 'avpops' | 'sqlops', tableParameter: string) {
  return {
    module,
    create: (parameters: ModuleParameters): Attributes => {
      const columns = columnsOf(parameters, tableParameter);
      return {
        columns,
        useDomain: parameters.flag('use_domain', false),
        schemes: new Map(parameters.all('db_scheme').map((each) => schemeOf(String(each), columns))),
      };
    },
  };
}

/** Which rows to use: "$fu", "$fu/username", "$var(x)/uuid", or a text. */
interface Source {
  readonly format: Format;
  readonly flag: 'username' | 'domain' | 'uri' | 'uuid';
}

function sourceOf(text: string): Source {
  const [, value = '', flag = 'uri'] = /^(.*?)(?:\/(username|domain|uri|uuid))?$/s.exec(trimmed(text)) ?? [];
  if (value === '') throw new Error('the source is empty');
  return { format: compileFormat(value), flag: flag as Source['flag'] };
}

/** Which attributes to use: "$avp(x)", "*" or "s:x", optionally followed by "/table" or "/$scheme". */
interface Wanted {
  /** Undefined for all attributes. */
  readonly name: string | undefined;
  readonly table: string | undefined;
  readonly scheme: string | undefined;
}

function wantedOf(text: string): Wanted {
  const parsed = /^(?:\$avp\((?:[si]:)?([^)/]+)\)|[si]:([\w.-]+)|(\*|[si]))(?:\/(\$?)([\w.-]+))?$/.exec(trimmed(text));
  if (parsed === null) throw new Error(`"${text}" names no AVP: $avp(name) or *`);
  const [, avp, named, , mark, suffix] = parsed;
  return {
    name: avp ?? named,
    table: mark === '' ? suffix : undefined,
    scheme: mark === '$' ? suffix : undefined,
  };
}

/** The SQL condition for the rows of a source; undefined when the source has no value. */
function conditionOf(
  run: MessageRun,
  { format, flag }: Source,
  { columns, useDomain }: Attributes,
  database: SqlDatabase,
): string | undefined {
  const value = format.evaluateValue(run.pvars);
  if (value === null || value === '') return undefined;
  const text = String(value);
  if (flag === 'uuid') return `${columns.uuid} = ${database.quoted(text)}`;
  const uri = cutUri(text);
  const user = uri === undefined ? text : (uri.user ?? '');
  const host = uri?.host ?? text;
  if (flag === 'domain') return `${columns.domain} = ${database.quoted(host)}`;
  const ofUser = `${columns.username} = ${database.quoted(user)}`;
  if (flag === 'username' || !useDomain) return ofUser;
  return `${ofUser} AND ${columns.domain} = ${database.quoted(host)}`;
}

/** Whether all names are valid SQL names: they are written into statements unquoted. */
function sound({ table, uuid, username, domain, attribute, value, type }: AttributeTable): boolean {
  return [table, uuid, username, domain, attribute, value, type].every(isSqlName);
}

interface Work {
  readonly run: MessageRun;
  readonly database: SqlDatabase;
  readonly url: string;
  readonly where: string;
  readonly source: Source;
  readonly wanted: Wanted;
  readonly scheme: Scheme | undefined;
  readonly columns: AttributeTable;
  /** Prefix of the names of the loaded AVPs. */
  readonly prefix: string;
}

type Act = (work: Work) => Promise<number>;

const load: Act = async ({ run, database, url, where, wanted, scheme, columns, prefix }) => {
  const { name } = wanted;
  if (scheme !== undefined) {
    if (name === undefined) return -1;
    const found = await query(run, url, `SELECT ${columns.value} FROM ${columns.table} WHERE ${where}`);
    for (const [value] of found?.rows ?? []) keep(run, prefix + name, value ?? null, scheme.integer);
    return code((found?.rows.length ?? 0) > 0);
  }
  const only = name === undefined ? '' : ` AND ${columns.attribute} = ${database.quoted(name)}`;
  const list = [columns.attribute, columns.type, columns.value].join(', ');
  const found = await query(run, url, `SELECT ${list} FROM ${columns.table} WHERE ${where}${only}`);
  for (const [attribute, type, value] of found?.rows ?? [])
    keep(run, prefix + String(attribute), value ?? null, (Number(type) & 2) !== 0);
  return code((found?.rows.length ?? 0) > 0);
};

function keep(run: MessageRun, name: string, value: PvarValue, integer: boolean): void {
  if (value === null) return;
  run.pvars.avps.push(name, integer ? Math.trunc(Number(value)) || 0 : String(value));
}

const remove: Act = async ({ run, database, url, where, wanted: { name }, columns }) => {
  const only = name === undefined ? '' : ` AND ${columns.attribute} = ${database.quoted(name)}`;
  return code((await query(run, url, `DELETE FROM ${columns.table} WHERE ${where}${only}`)) !== undefined);
};

const store: Act = async ({ run, database, url, source, wanted: { name = '' }, columns }) => {
  const values = run.pvars.avps.all(name).toReversed();
  if (values.length === 0) return -1;
  const text = String(source.format.evaluateValue(run.pvars) ?? '');
  const uri = cutUri(text);
  const { flag } = source;
  const owner: Readonly<Record<string, string>> =
    flag === 'uuid'
      ? { [columns.uuid]: text }
      : {
          ...(flag === 'domain' ? {} : { [columns.username]: uri === undefined ? text : (uri.user ?? '') }),
          ...(flag === 'username' ? {} : { [columns.domain]: uri?.host ?? (flag === 'domain' ? text : '') }),
        };
  for (const value of values) {
    const row: Record<string, PvarValue> = {
      ...owner,
      [columns.attribute]: name,
      [columns.value]: String(value),
      [columns.type]: typeof value === 'number' ? 2 : 0,
    };
    const names = Object.keys(row).join(', ');
    const literals = Object.values(row).map((each) => database.quoted(each));
    if (
      (await query(run, url, `INSERT INTO ${columns.table} (${names}) VALUES (${literals.join(', ')})`)) === undefined
    )
      return -1;
  }
  return 1;
};

function avpFunction(
  [name, act, summary]: readonly [name: string, act: Act, summary: string],
  module: 'avpops' | 'sqlops',
): FunctionSpec {
  const settings = attributesOf(module, module === 'avpops' ? 'avp_table' : 'usr_table');
  const old = module === 'avpops';
  const urls = urlsOf(module);
  return {
    name,
    dialects: old ? BOTH : OPENSIPS,
    waits: true,
    parameters: [
      param('source', 'literal'),
      param('name', 'literal'),
      // The number of a database connection: a number since OpenSIPS 3.0, quoted before.
      optional('database', 'expression'),
      ...(act === load ? [optional('prefix', 'literal')] : []),
    ],
    summary,
    compile: (args) => {
      const source = sourceOf((args[0] as Arg).text);
      const wanted = wantedOf((args[1] as Arg).text);
      if (act === store && wanted.name === undefined) throw new Error('one AVP is stored: $avp(name)');
      const prefix = args[3]?.text ?? '';
      return async (run) => {
        const connection = textOf(args[2], run) || '0';
        const attributes = run.env.modules.of(settings);
        const scheme = wanted.scheme === undefined ? undefined : attributes.schemes.get(wanted.scheme);
        const columns = scheme?.columns ?? { ...attributes.columns, table: wanted.table ?? attributes.columns.table };
        const url = urls(run).get(connection);
        if (url === undefined || !sound(columns) || (wanted.scheme !== undefined && scheme === undefined)) return -1;
        const database = run.env.services.database(url);
        const where = conditionOf(run, source, { ...attributes, columns }, database);
        if (where === undefined) return -1;
        return act({ run, database, url, where, source, wanted, scheme, columns, prefix });
      };
    },
  };
}

const ACTS: readonly (readonly [name: string, act: Act, summary: string])[] = [
  ['avp_db_load', load, 'reads attributes of a user, a domain or a uuid from the database into AVPs'],
  ['avp_db_store', store, 'writes the values of an AVP to the database'],
  ['avp_db_delete', remove, 'deletes attributes of a user, a domain or a uuid from the database'],
];

/** Functions on attributes of users in a database: avpops, and sqlops in today's OpenSIPS. */
export const avpDatabaseFunctions: ScriptFunction[] = [
  ...moduleFunctions(
    'avpops',
    ACTS.map((each) => avpFunction(each, 'avpops')),
  ),
  ...moduleFunctions(
    'sqlops',
    ACTS.map(([name, act, summary]) => avpFunction([name.replace('avp_db', 'sql_avp'), act, summary], 'sqlops')),
  ),
];
