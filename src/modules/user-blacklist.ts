import type { MessageRun } from '../script/call.js';
import type { ScriptCommand } from '../script/commands.js';
import type { ModuleParameters } from '../script/environment.js';
import { code, moduleFunctions, OPENSIPS, optional, param, type ScriptFunction, textOf } from './define.js';
import { isSqlName, query, sqlCondition } from './sql.js';
import { cutUri } from './uri-parts.js';

/** Settings of userblacklist. Creating them throws an Error for an invalid name. */
export const blacklistTable = {
  module: 'userblacklist',
  create(parameters: ModuleParameters) {
    const table = parameters.text('db_table', 'userblacklist');
    if (!isSqlName(table)) throw new Error(`db_table: "${table}" is not a name of a table`);
    const url = parameters.text('db_url', '');
    return { url: url === '' ? undefined : url, table, useDomain: parameters.flag('use_domain', false) };
  },
};

/** Maximum number of digits that are compared. */
const MAX_DIGITS = 32;

/** All prefixes of a number, the empty one included. As documented, what stands before its first digit is skipped. */
function prefixesOf(number: string): string[] {
  const digits = /[0-9]+/.exec(number)?.[0].slice(0, MAX_DIGITS) ?? '';
  return Array.from({ length: digits.length + 1 }, (_, i) => digits.slice(0, i));
}

/** The user of the request-URI. */
function called(run: MessageRun): string {
  return cutUri(run.call.requestUri)?.user ?? '';
}

/**
 * 1 unless the longest prefix of a number in a table is one that is not allowed; -1 also when the table cannot be read.
 */
async function check(
  run: MessageRun,
  table: string,
  number: string,
  owner: readonly (readonly [column: string, value: string])[],
): Promise<number> {
  const { url } = run.env.modules.of(blacklistTable);
  if (url === undefined || !isSqlName(table)) return -1;
  const database = run.env.services.database(url);
  const among = prefixesOf(number).map((each) => database.quoted(each));
  const whose = owner.length === 0 ? '' : `${sqlCondition(database, owner)} AND `;
  const found = await query(
    run,
    url,
    `SELECT prefix, whitelist FROM ${table} WHERE ${whose}prefix IN (${among.join(', ')})`,
  );
  if (found === undefined) return -1;
  let longest = -1;
  let allowed = true;
  for (const [prefix, whitelist] of found.rows) {
    const { length } = String(prefix ?? '');
    if (length <= longest) continue;
    longest = length;
    allowed = Number(whitelist) !== 0;
  }
  return code(allowed);
}

/** Functions of userblacklist. */
export const userBlacklistFunctions: ScriptFunction[] = moduleFunctions('userblacklist', [
  {
    name: 'check_user_blacklist',
    dialects: OPENSIPS,
    waits: true,
    parameters: [
      param('user', 'string'),
      param('domain', 'string'),
      optional('number', 'string'),
      optional('table', 'string'),
    ],
    routes: ['request', 'failure', 'local'],
    summary:
      'whether a user may call a number (default: the user of the request-URI) by the longest prefix of it in a table of the database',
    compile:
      ([user, domain, number, table]) =>
      (run) => {
        const settings = run.env.modules.of(blacklistTable);
        return check(
          run,
          table === undefined ? settings.table : textOf(table, run),
          number === undefined ? called(run) : textOf(number, run),
          [['username', textOf(user, run)], ...(settings.useDomain ? [['domain', textOf(domain, run)] as const] : [])],
        );
      },
  },
  {
    name: 'check_blacklist',
    dialects: OPENSIPS,
    waits: true,
    parameters: [optional('table', 'string')],
    routes: ['request', 'failure', 'local'],
    summary: 'whether the user of the request-URI may be called, by its longest prefix in a table of the database',
    compile:
      ([table]) =>
      (run) =>
        check(run, table === undefined ? 'globalblacklist' : textOf(table, run), called(run), []),
  },
]);

/** Management commands of userblacklist. */
export const blacklistCommands: readonly ScriptCommand[] = [
  {
    module: 'userblacklist',
    mi: 'reload_blacklist',
    help: 'accepted: the tables are read for each number',
    changes: true,
    parameters: [],
    required: 0,
    run: () => 'OK',
  },
];
