import type { PvarValue } from '../pvar/context.js';
import { compileFormat } from '../pvar/format.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import { MOST_BRANCHES } from '../script/request-branches.js';
import type { SqlDatabase } from '../script/services.js';
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
import { query } from './sql.js';
import { cutUri } from './uri-parts.js';

/** Parameters that aliases, groups and speed dialling have alike. */
interface UserTable {
  readonly url: string | undefined;
  readonly useDomain: boolean;
  /** What is taken off the front of a domain before it is looked up. */
  readonly domainPrefix: string;
  /** Column names by their parameter. */
  column(parameter: string, fallback: string): string;
  text(parameter: string, fallback: string): string;
  flag(parameter: string): boolean;
}

function settingsOf(module: string, useDomain: boolean) {
  return {
    module,
    create: (parameters: ModuleParameters): UserTable => {
      const url = parameters.text('db_url', '');
      return {
        url: url === '' ? undefined : url,
        useDomain: parameters.flag('use_domain', useDomain),
        domainPrefix: parameters.text('domain_prefix', ''),
        column: (parameter, fallback) => {
          const name = parameters.text(parameter, fallback);
          return /^[\w.]+$/.test(name) ? name : fallback;
        },
        text: (parameter, fallback) => parameters.text(parameter, fallback),
        flag: (parameter) => parameters.flag(parameter, false),
      };
    },
  };
}

const aliasSettings = settingsOf('alias_db', false);
const groupSettings = settingsOf('group', false);
const dialSettings = settingsOf('speeddial', false);

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

function condition(database: SqlDatabase, columns: readonly (readonly [name: string, value: string])[]): string {
  return columns.map(([name, value]) => `${name} = ${database.quoted(value)}`).join(' AND ');
}

/** URIs an alias stands for, or with flag r the aliases of a user. */
async function aliases(run: MessageRun, table: string, uri: string, flags: string): Promise<string[]> {
  const settings = run.env.modules.of(aliasSettings);
  const wanted = userAt(uri);
  if (settings.url === undefined || wanted === undefined || !/^[\w.]+$/.test(table)) return [];
  const names = {
    user: settings.column('user_column', 'username'),
    domain: settings.column('domain_column', 'domain'),
    aliasUser: settings.column('alias_user_column', 'alias_username'),
    aliasDomain: settings.column('alias_domain_column', 'alias_domain'),
  };
  const reverse = flags.includes('r');
  const [byUser, byDomain, user, domain] = reverse
    ? [names.user, names.domain, names.aliasUser, names.aliasDomain]
    : [names.aliasUser, names.aliasDomain, names.user, names.domain];
  // In OpenSIPS the domain counts but for flag d; in Kamailio its parameter says so, or the flags d and u.
  const useDomain =
    !flags.includes('d') && (run.env.dialect === 'opensips' || settings.useDomain || flags.includes('u'));
  const database = run.env.services.database(settings.url);
  const where = condition(database, [
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
    summary: 'replaces the request-URI by the user its alias stands for, as a table of the database has it',
    compile:
      ([table, flags]) =>
      async (run) => {
        const { call, pvars } = run;
        const [first, ...others] = await aliases(run, textOf(table, run), call.requestUri, textOf(flags, run));
        if (first === undefined) return -1;
        pvars.setRequestUri(first);
        if (run.env.modules.of(aliasSettings).flag('append_branches')) {
          for (const uri of others.slice(0, MOST_BRANCHES - 1 - call.branches.length))
            call.branches.push({ uri, destinationUri: undefined, q: '', path: '', flags: 0, socket: undefined });
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
    summary: 'finds the user an alias stands for, as a table of the database has it',
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

/** The URI that "From", "To", "Request-URI", or a variable, stand for. */
function named(text: string): (run: MessageRun) => PvarValue {
  const known: Readonly<Record<string, string>> = { from: '$fu', to: '$tu', 'request-uri': '$ru' };
  const format = compileFormat(known[text.trim().toLowerCase()] ?? text.trim());
  return (run) => format.evaluateValue(run.pvars);
}

function memberOf(name: string, dialects: FunctionSpec['dialects']): FunctionSpec {
  return {
    name,
    ...(dialects === undefined ? {} : { dialects }),
    waits: true,
    parameters: [param('uri', 'literal'), param('group', 'string')],
    routes: ['request', 'failure', 'branch', 'local'],
    summary: 'whether a user is in a group, as a table of the database has it',
    compile: ([uri, group]) => {
      const text = (uri as Arg).text;
      if (/^credentials$/i.test(text.trim())) throw new Error('there are no credentials here: a URI is needed');
      const whose = named(text);
      return async (run) => {
        const settings = run.env.modules.of(groupSettings);
        const user = userAt(String(whose(run) ?? ''));
        if (settings.url === undefined || user === undefined) return -1;
        const database = run.env.services.database(settings.url);
        const column = settings.column('group_column', 'grp');
        const where = condition(database, [
          [settings.column('user_column', 'username'), user.user],
          [column, textOf(group, run)],
          ...(settings.useDomain ? [[settings.column('domain_column', 'domain'), user.domain] as const] : []),
        ]);
        const table = settings.column('table', 'grp');
        const found = await query(run, settings.url, `SELECT ${column} FROM ${table} WHERE ${where}`);
        if (found === undefined || found.rows.length > 0 || run.env.dialect === 'opensips')
          return code((found?.rows.length ?? 0) > 0);
        // As recorded of Kamailio.
        return -6;
      };
    },
  };
}

const groups: FunctionSpec[] = [memberOf('db_is_user_in', OPENSIPS), memberOf('is_user_in', KAMAILIO)];

const dialling: FunctionSpec[] = [
  {
    name: 'sd_lookup',
    waits: true,
    parameters: [param('table', 'string'), optional('owner', 'string')],
    routes: ['request'],
    summary: 'replaces a speed dial number by the URI its owner gave it, as a table of the database has it',
    compile:
      ([table, owner]) =>
      async (run) => {
        const { call, pvars } = run;
        const settings = run.env.modules.of(dialSettings);
        const from = compileFormat('$fu').evaluateValue(pvars);
        const whose = userAt(owner === undefined ? String(from ?? '') : textOf(owner, run));
        const dialled = userAt(call.requestUri);
        const name = textOf(table, run);
        if (settings.url === undefined || whose === undefined || dialled === undefined || !/^[\w.]+$/.test(name))
          return -1;
        const database = run.env.services.database(settings.url);
        const domains: [string, string][] = settings.useDomain
          ? [
              [settings.column('domain_column', 'domain'), withoutPrefix(whose.domain, settings.domainPrefix)],
              [settings.column('sd_domain_column', 'sd_domain'), withoutPrefix(dialled.domain, settings.domainPrefix)],
            ]
          : [];
        const where = condition(database, [
          [settings.column('user_column', 'username'), whose.user],
          [settings.column('sd_user_column', 'sd_username'), dialled.user],
          ...domains,
        ]);
        const column = settings.column('new_uri_column', 'new_uri');
        const found = await query(run, settings.url, `SELECT ${column} FROM ${name} WHERE ${where}`);
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
