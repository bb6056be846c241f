import { setImmediate } from 'node:timers/promises';
import { trimmed } from '../core/characters.js';
import { compilePosix } from '../core/posix-regex.js';
import type { PvarValue } from '../pvar/context.js';
import { compileFormat } from '../pvar/format.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import { addBranch } from '../script/request-branches.js';
import {
  type Arg,
  code,
  type FunctionSpec,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';
import { Expressions } from './regex.js';
import { isSqlName, query, sqlCondition } from './sql.js';
import { cutUri } from './uri-parts.js';

/** Parameters that alias_db, group and speeddial have in common. */
interface UserTable<Column extends string> {
  /** undefined: no database is configured. */
  readonly url: string | undefined;
  readonly useDomain: boolean;
  /** Prefix removed from a domain before it is looked up. */
  readonly domainPrefix: string;
  /** Column names as written into statements. */
  readonly columns: Readonly<Record<Column, string>>;
  /** Whether further aliases become branches. */
  readonly appendBranches: boolean;
}

type Columns<Column extends string> = Readonly<Record<Column, readonly [parameter: string, fallback: string]>>;

/**
 * Settings of a module. `columns` has the parameter and default for each column. Creating them throws an Error for an
 * invalid column name.
 */
function settingsOf<Column extends string>(module: string, columns: Columns<Column>) {
  return {
    module,
    create(parameters: ModuleParameters): UserTable<Column> {
      const url = parameters.text('db_url', '');
      const names = Object.entries<Columns<Column>[Column]>(columns).map(([column, [parameter, fallback]]) => {
        const name = parameters.text(parameter, fallback);
        if (!isSqlName(name)) throw new Error(`${parameter}: "${name}" is not a name of a table or column`);
        return [column, name] as const;
      });
      return {
        url: url === '' ? undefined : url,
        useDomain: parameters.flag('use_domain', false),
        domainPrefix: parameters.text('domain_prefix', ''),
        columns: Object.fromEntries(names) as Record<Column, string>,
        appendBranches: parameters.flag('append_branches', false),
      };
    },
  };
}

/** Settings of alias_db. */
export const aliasTable = settingsOf('alias_db', {
  user: ['user_column', 'username'],
  domain: ['domain_column', 'domain'],
  aliasUser: ['alias_user_column', 'alias_username'],
  aliasDomain: ['alias_domain_column', 'alias_domain'],
});

/** Settings of group. */
export const groupTable = settingsOf('group', {
  table: ['table', 'grp'],
  group: ['group_column', 'grp'],
  user: ['user_column', 'username'],
  domain: ['domain_column', 'domain'],
});

/** Settings of speeddial. */
export const dialTable = settingsOf('speeddial', {
  user: ['user_column', 'username'],
  domain: ['domain_column', 'domain'],
  dialledUser: ['sd_user_column', 'sd_username'],
  dialledDomain: ['sd_domain_column', 'sd_domain'],
  uri: ['new_uri_column', 'new_uri'],
});

const FROM_URI = compileFormat('$fu');

/** A user and a domain. */
interface UserAt {
  readonly user: string;
  readonly domain: string;
}

function userAt(uri: string): UserAt | undefined {
  const parts = cutUri(uri);
  return parts?.user === undefined || parts.user === '' ? undefined : { user: parts.user, domain: parts.host };
}

function withoutPrefix(domain: string, prefix: string): string {
  return prefix !== '' && domain.startsWith(prefix) ? domain.slice(prefix.length) : domain;
}

/** The URIs that an alias stands for, or with flag r the aliases of a user. */
async function aliases(run: MessageRun, table: string, uri: string, flags: string): Promise<string[]> {
  const settings = run.env.modules.of(aliasTable);
  const wanted = userAt(uri);
  if (settings.url === undefined || wanted === undefined || !isSqlName(table)) return [];
  const { columns: names } = settings;
  const reverse = flags.includes('r');
  const [byUser, byDomain, user, domain] = reverse
    ? [names.user, names.domain, names.aliasUser, names.aliasDomain]
    : [names.aliasUser, names.aliasDomain, names.user, names.domain];
  // OpenSIPS compares the domain unless flag d is given; Kamailio if its parameter or flag u says so, and d is not
  // given.
  const useDomain =
    !flags.includes('d') && (run.env.dialect === 'opensips' || settings.useDomain || flags.includes('u'));
  const database = run.env.services.database(settings.url);
  const where = sqlCondition(database, [
    [byUser, wanted.user],
    ...(useDomain ? [[byDomain, withoutPrefix(wanted.domain, settings.domainPrefix)] as const] : []),
  ]);
  const found = await query(run, settings.url, `SELECT ${user}, ${domain} FROM ${table} WHERE ${where}`);
  return (found?.rows ?? [])
    .filter(([name, host]) => name !== null && host !== null)
    .map(([name, host]) => `sip:${String(name)}@${String(host)}`);
}

const alias: FunctionSpec[] = [
  {
    name: 'alias_db_lookup',
    waits: true,
    parameters: [param('table', 'string'), optional('flags', 'string')],
    routes: ['request', 'failure', 'branch'],
    summary: 'replaces an alias in the request-URI by its user in a database table',
    compile:
      ([table, flags]) =>
      async (run) => {
        const { call, pvars } = run;
        const [first, ...others] = await aliases(run, textOf(table, run), call.requestUri, textOf(flags, run));
        if (first === undefined) return -1;
        pvars.setRequestUri(first);
        if (run.env.modules.of(aliasTable).appendBranches) {
          for (const uri of others) addBranch(call.branches, { uri });
        }
        return 1;
      },
  },
  {
    name: 'alias_db_find',
    waits: true,
    parameters: [
      param('table', 'string'),
      param('uri', 'string'),
      param('result', 'writable'),
      optional('flags', 'string'),
    ],
    routes: ['request', 'failure', 'branch', 'onreply', 'local', 'event'],
    summary: 'finds the user of an alias in a database table',
    compile:
      ([table, uri, result, flags]) =>
      async (run) => {
        const [first] = await aliases(run, textOf(table, run), textOf(uri, run), textOf(flags, run));
        if (first === undefined) return -1;
        (result as Arg).variable?.assign(run.pvars, first);
        return 1;
      },
  },
];

/** Reader of the URI that "From", "To", "Request-URI" or a variable stands for. */
function named(text: string): (run: MessageRun) => PvarValue {
  const known: Readonly<Record<string, string>> = { from: '$fu', to: '$tu', 'request-uri': '$ru' };
  const format = compileFormat(known[trimmed(text).toLowerCase()] ?? trimmed(text));
  return (run) => format.evaluateValue(run.pvars);
}

function memberOf(name: string, dialects: FunctionSpec['dialects']): FunctionSpec {
  return {
    name,
    ...(dialects === undefined ? {} : { dialects }),
    waits: true,
    parameters: [param('uri', 'literal'), param('group', 'string')],
    routes: ['request', 'failure', 'branch', 'local'],
    summary: 'whether a user is in a group of a database table',
    compile: ([uri, group]) => {
      const text = (uri as Arg).text;
      if (/^credentials$/i.test(trimmed(text))) throw new Error('needs a URI: credentials are not supported here');
      const whose = named(text);
      return async (run) => {
        const settings = run.env.modules.of(groupTable);
        const user = userAt(String(whose(run) ?? ''));
        if (settings.url === undefined || user === undefined) return -1;
        const database = run.env.services.database(settings.url);
        const { columns } = settings;
        const where = sqlCondition(database, [
          [columns.user, user.user],
          [columns.group, textOf(group, run)],
          ...(settings.useDomain ? [[columns.domain, user.domain] as const] : []),
        ]);
        const found = await query(run, settings.url, `SELECT ${columns.group} FROM ${columns.table} WHERE ${where}`);
        if (found === undefined || found.rows.length > 0 || run.env.dialect === 'opensips')
          return code((found?.rows.length ?? 0) > 0);
        // As recorded of Kamailio.
        return -6;
      };
    },
  };
}

/**
 * Maximum number of rows of re_table: a compiled expression takes about 28 kB, and each is matched for each request.
 */
const MAX_EXPRESSIONS = 2000;

/** Expressions that are compiled without a pause for other requests, about 30 ms. */
const AT_ONCE = 100;

/** Where db_get_user_group() finds expressions and the numbers of their groups. */
export const groupExpressions = {
  module: 'group',
  create(parameters: ModuleParameters) {
    const table = parameters.text('re_table', '');
    const [expression, group] = [
      parameters.text('re_exp_column', 'reg_exp'),
      parameters.text('re_gid_column', 'group_id'),
    ] as const;
    for (const name of [table === '' ? 're_grp' : table, expression, group])
      if (!isSqlName(name)) throw new Error(`group: "${name}" is not a name of a table or column`);
    return {
      url: parameters.text('db_url', ''),
      table,
      expression,
      group,
      several: parameters.flag('multiple_gid', true),
      compiled: new Expressions((text) => compilePosix(text), MAX_EXPRESSIONS),
    };
  },
};

/** Maximum number of groups of one user. */
const MAX_GROUPS = 1000;

const userGroup: FunctionSpec = {
  name: 'db_get_user_group',
  dialects: OPENSIPS,
  waits: true,
  parameters: [param('uri', 'literal'), param('groups', 'writable')],
  routes: ['request', 'failure', 'branch', 'local'],
  summary: 'the numbers of the groups whose expressions match a user: "sip:user@domain"',
  compile: ([uri, result]) => {
    const text = (uri as Arg).text;
    if (/^credentials$/i.test(trimmed(text))) throw new Error('needs a URI: credentials are not supported here');
    const whose = named(text);
    return async (run) => {
      const { url, table, expression, group, several, compiled } = run.env.modules.of(groupExpressions);
      const user = userAt(String(whose(run) ?? ''));
      if (url === '' || user === undefined) return -1;
      if (table === '') return run.refused('db_get_user_group', 're_table is not set');
      const found = await query(run, url, `SELECT ${expression}, ${group} FROM ${table}`);
      const rows = found?.rows ?? [];
      if (rows.length > MAX_EXPRESSIONS)
        return run.refused('db_get_user_group', `${table} has more than ${MAX_EXPRESSIONS} rows`);
      const whole = `sip:${user.user}@${user.domain}`;
      const numbers: number[] = [];
      const wanted = several ? MAX_GROUPS : 1;
      for (const [i, [pattern, number]] of rows.entries()) {
        if (i % AT_ONCE === AT_ONCE - 1) await setImmediate();
        if (compiled.of(String(pattern ?? ''))?.test(whole) !== true) continue;
        if (numbers.push(Number(number ?? 0)) === wanted) break;
      }
      // The first expression that matches is the one that an AVP shows without an index.
      for (const number of numbers.reverse()) (result as Arg).variable?.assign(run.pvars, number);
      return code(numbers.length > 0);
    };
  },
};

const groups: FunctionSpec[] = [userGroup, memberOf('db_is_user_in', OPENSIPS), memberOf('is_user_in', KAMAILIO)];

const dialling: FunctionSpec[] = [
  {
    name: 'sd_lookup',
    waits: true,
    parameters: [param('table', 'string'), optional('owner', 'string')],
    routes: ['request'],
    summary: "replaces a speed dial number by its owner's URI for it in a database table",
    compile:
      ([table, owner]) =>
      async (run) => {
        const { call, pvars } = run;
        const settings = run.env.modules.of(dialTable);
        const from = FROM_URI.evaluateValue(pvars);
        const whose = userAt(owner === undefined ? String(from ?? '') : textOf(owner, run));
        const dialled = userAt(call.requestUri);
        const name = textOf(table, run);
        if (settings.url === undefined || whose === undefined || dialled === undefined || !isSqlName(name)) return -1;
        const database = run.env.services.database(settings.url);
        const { columns } = settings;
        const domains: [string, string][] = settings.useDomain
          ? [
              [columns.domain, withoutPrefix(whose.domain, settings.domainPrefix)],
              [columns.dialledDomain, withoutPrefix(dialled.domain, settings.domainPrefix)],
            ]
          : [];
        const where = sqlCondition(database, [
          [columns.user, whose.user],
          [columns.dialledUser, dialled.user],
          ...domains,
        ]);
        const found = await query(run, settings.url, `SELECT ${columns.uri} FROM ${name} WHERE ${where}`);
        const uri = found?.rows[0]?.[0];
        if (typeof uri !== 'string' || cutUri(uri) === undefined) return -1;
        pvars.setRequestUri(uri);
        return 1;
      },
  },
];

/** Lookups of users in tables: alias_db, group and speeddial. */
export const userTableFunctions: ScriptFunction[] = [
  ...moduleFunctions('alias_db', alias),
  ...moduleFunctions('group', groups),
  ...moduleFunctions('speeddial', dialling),
];
