import type { MessageRun } from '../../script/call.js';
import { type Arg, code, intOf, moduleFunctions, type ScriptFunction, textOf } from '../define.js';
import { kamailioFunction } from '../kamailio-function.js';
import { replyHere } from '../replying.js';
import { isSqlName, query, sqlCondition } from '../sql.js';
import { cutUri } from '../uri-parts.js';
import { authentication, subscribers } from './settings.js';
import {
  AUTH_CODES,
  bareUser,
  type CredentialField,
  consume,
  credentialsFor,
  isSelf,
  md5,
  type RequestCredentials,
  verify,
} from './verify.js';

const WWW = { field: 'authorization', challenge: 'WWW-Authenticate', status: 401, reason: 'Unauthorized' } as const;
const PROXY = {
  field: 'proxy-authorization',
  challenge: 'Proxy-Authenticate',
  status: 407,
  reason: 'Proxy Authentication Required',
} as const;

/** Header fields and status of a challenge: as a server for REGISTER, as a proxy for other requests. */
const sideOf = ({ message }: MessageRun) => (message.method === 'REGISTER' ? WWW : PROXY);

/**
 * The header line of a challenge. `flags`: 1 qop auth, 2 qop auth-int, 16 the nonce was stale. As recorded, the
 * parameter qop adds nothing.
 */
function challengeLine(run: MessageRun, name: string, realm: string, flags: number): string {
  const state = run.env.modules.of(authentication);
  const qop = (flags & 2) !== 0 ? 'auth-int' : (flags & 1) !== 0 ? 'auth' : '';
  const nonce = state.of(run).make(state.bound(run));
  const stale = (flags & 16) === 0 ? '' : ', stale=true';
  const shown = realm.replace(/[\r\n]/g, '').replace(/["\\]/g, '\\$&');
  return `${name}: Digest realm="${shown}", nonce="${nonce}"${qop === '' ? '' : `, qop="${qop}"`}${stale}`;
}

/** Answers a request with a challenge. */
function challenge(run: MessageRun, side: typeof WWW | typeof PROXY, realm: string, flags: number): number {
  const { call } = run;
  if (realm === '') return run.refused('auth', 'a challenge needs a realm');
  const before = call.replyLines;
  call.replyLines = `${before}${challengeLine(run, side.challenge, realm, flags)}\r\n`;
  const way = run.env.modules.of(authentication).stateless ? 'stateless' : 'either';
  const result = replyHere(run, side.status, side.reason, way);
  call.replyLines = before;
  return result;
}

type Row = ReadonlyMap<string, unknown>;

/** The row of a user in a database table; undefined when there is none, false when the query failed. */
async function rowOf(
  run: MessageRun,
  table: string,
  user: string,
  domain: string | undefined,
  columns: readonly string[],
): Promise<Row | false | undefined> {
  const { url, user: userColumn, domain: domainColumn } = run.env.modules.of(subscribers);
  if (url === undefined || !isSqlName(table)) return false;
  const database = run.env.services.database(url);
  const where = sqlCondition(database, [
    [userColumn, user],
    ...(domain === undefined ? [] : [[domainColumn, domain] as const]),
  ]);
  const found = await query(run, url, `SELECT ${columns.join(', ')} FROM ${table} WHERE ${where}`);
  if (found === undefined) return false;
  const [row] = found.rows;
  return row === undefined ? undefined : new Map(columns.map((name, i) => [name, row[i] ?? null]));
}

/** Assigns the columns of load_credentials to their variables. */
function loadInto(run: MessageRun, row: Row): void {
  for (const { column, variable } of run.env.modules.of(subscribers).loaded) {
    const value = row.get(column);
    if (value === null || value === undefined) continue;
    variable.assign(run.pvars, typeof value === 'number' ? value : String(value));
  }
}

/** Verifies credentials with the password in a table. */
async function byTable(
  run: MessageRun,
  field: CredentialField,
  realm: string,
  table: string,
  method = run.message.method,
): Promise<number> {
  const { password, withDomain, useDomain, loaded, always } = run.env.modules.of(subscribers);
  let row: Row | undefined;
  const ha1Of = async ({ username }: RequestCredentials): Promise<string | false | undefined> => {
    const at = username.indexOf('@');
    const domain = at < 0 ? realm : username.slice(at + 1);
    const column = withDomain !== undefined && at >= 0 ? withDomain : password;
    const columns = [...new Set([column, ...loaded.map((each) => each.column)])];
    const found = await rowOf(run, table, bareUser(username), useDomain ? domain : undefined, columns);
    if (found === false) return false;
    row = found;
    const value = row?.get(column);
    if (value === null || value === undefined) return undefined;
    return withDomain === undefined ? md5(`${username}:${realm}:${String(value)}`) : String(value);
  };
  const result = await verify(run, field, realm, ha1Of, method);
  if (row !== undefined && (result > 0 || always)) loadInto(run, row);
  return result;
}

/** Verifies credentials with a password given by the script. */
function byPassword(
  run: MessageRun,
  field: CredentialField,
  realm: string,
  password: string,
  flags: number,
  method?: string,
) {
  const ha1Of = ({ username }: RequestCredentials) =>
    (flags & 1) !== 0 ? password : md5(`${username}:${realm}:${password}`);
  return verify(run, field, realm, ha1Of, method ?? run.message.method);
}

async function checked(run: MessageRun, bits: number, result: Promise<number>, sameHost = false): Promise<number> {
  const verdict = await result;
  return verdict > 0 && !isSelf(run, bits, sameHost) ? AUTH_CODES.mismatch : verdict;
}

const challengeWith = (name: string, side: (run: MessageRun) => typeof WWW | typeof PROXY, summary: string) =>
  kamailioFunction(name, 'realm flags', summary, (run, [realm, flags]) =>
    challenge(run, side(run), textOf(realm, run), intOf(flags, run, 0)),
  );

const tableFunction = (name: string, field: CredentialField, parameters: string) =>
  kamailioFunction(
    name,
    parameters,
    'verifies the credentials of a request by a table of users: 1, or a negative code that says why not',
    (run, [realm, table, method]) => byTable(run, field, textOf(realm, run), textOf(table, run), methodOf(method, run)),
    true,
  );

function methodOf(method: Arg | undefined, run: MessageRun): string {
  return textOf(method, run, run.message.method);
}

const passwordFunction = (name: string, field: CredentialField, parameters: string) =>
  kamailioFunction(
    name,
    parameters,
    'verifies the credentials of a request by a password: 1, or a negative code that says why not',
    (run, [realm, password, flags, method]) =>
      // As recorded, a variable without a value is an error, whatever the request contains.
      password?.value(run) === null
        ? Promise.resolve(AUTH_CODES.error)
        : byPassword(
            run,
            field,
            textOf(realm, run),
            textOf(password, run),
            intOf(flags, run, 0),
            methodOf(method, run),
          ),
    true,
  );

/** Functions of Kamailio's auth and auth_db: digest authentication. */
export const authFunctions: ScriptFunction[] = [
  ...moduleFunctions('auth', [
    challengeWith('www_challenge', () => WWW, 'asks for credentials: 401'),
    challengeWith('proxy_challenge', () => PROXY, 'asks for credentials: 407'),
    challengeWith('auth_challenge', sideOf, 'asks for credentials: 401 to REGISTER, 407 to all else'),
    kamailioFunction(
      'auth_get_www_authenticate',
      'realm flags result',
      'a challenge as a header field',
      (run, [realm, flags, result]) => {
        const text = textOf(realm, run);
        if (text === '') return -1;
        result?.variable?.assign(run.pvars, challengeLine(run, 'WWW-Authenticate', text, intOf(flags, run, 0)));
        return 1;
      },
    ),
    kamailioFunction('consume_credentials', '', 'removes the verified credentials from the request', (run) =>
      code(consume(run)),
    ),
    kamailioFunction('has_credentials', 'realm', 'whether the request has credentials for a realm', (run, [realm]) => {
      const found = (field: CredentialField) => typeof credentialsFor(run, field, textOf(realm, run)) === 'object';
      return code(found('authorization') || found('proxy-authorization'));
    }),
    passwordFunction('pv_www_authenticate', 'authorization', 'realm password flags method?'),
    passwordFunction('pv_proxy_authenticate', 'proxy-authorization', 'realm password flags'),
    kamailioFunction(
      'pv_auth_check',
      'realm password flags checks',
      'verifies the credentials of a request by a password, and with 1 that their user is the sender',
      (run, [realm, password, flags, checks]) =>
        checked(
          run,
          intOf(checks, run, 0),
          byPassword(run, sideOf(run).field, textOf(realm, run), textOf(password, run), intOf(flags, run, 0)),
        ),
      true,
    ),
  ]),
  ...moduleFunctions('auth_db', [
    tableFunction('www_authenticate', 'authorization', 'realm table method?'),
    tableFunction('www_authorize', 'authorization', 'realm table'),
    tableFunction('proxy_authenticate', 'proxy-authorization', 'realm table'),
    tableFunction('proxy_authorize', 'proxy-authorization', 'realm table'),
    kamailioFunction(
      'auth_check',
      'realm table flags',
      'verifies the credentials of a request by a table of users, and with 1 that their user is the sender',
      (run, [realm, table, flags]) =>
        checked(
          run,
          intOf(flags, run, 0),
          byTable(run, sideOf(run).field, textOf(realm, run), textOf(table, run)),
          run.env.modules.of(subscribers).useDomain,
        ),
      true,
    ),
    kamailioFunction(
      'is_subscriber',
      'uri table flags',
      'whether the user of a URI is in a table of users; flags: 1 its domain counts, 2 nothing is loaded',
      async (run, [uri, table, flags]) => {
        const parts = cutUri(textOf(uri, run));
        const bits = intOf(flags, run, 0);
        if (parts?.user === undefined || parts.user === '') return -1;
        const { loaded, user } = run.env.modules.of(subscribers);
        const columns = [...new Set([user, ...loaded.map(({ column }) => column)])];
        const domain = (bits & 1) === 0 ? undefined : parts.host;
        const row = await rowOf(run, textOf(table, run), parts.user, domain, columns);
        // As recorded, not -1.
        if (row === undefined) return -2;
        if (row === false) return -1;
        if ((bits & 2) === 0) loadInto(run, row);
        return 1;
      },
      true,
    ),
  ]),
];
