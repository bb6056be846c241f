import { createHash, timingSafeEqual } from 'node:crypto';
import { addrSpecOf } from '../../core/name-addr.js';
import { parseUri } from '../../core/uri.js';
import { parseCredentials } from '../../pvar/header-values.js';
import type { MessageRun } from '../../script/call.js';
import { PerCall } from '../../script/per-call.js';
import { digestResponse } from '../digest.js';
import { authentication } from './settings.js';

/** Return codes of the functions, as recorded of Kamailio 5.6.3. */
export const AUTH_CODES = {
  error: -1,
  password: -2,
  user: -3,
  stale: -4,
  missing: -5,
  used: -6,
  mismatch: -8,
} as const;

/** The header field that contains credentials. */
export type CredentialField = 'authorization' | 'proxy-authorization';

/** Credentials of a request (RFC 7616 section 3.4). */
export interface RequestCredentials {
  readonly username: string;
  readonly realm: string;
  readonly param: (name: string) => string | undefined;
  /** Offsets where the header line begins and where the next one begins. */
  readonly line: number;
  readonly next: number;
}

/** HA1 of a user; undefined for an unknown user, false when that cannot be determined. */
export type Ha1Of = (credentials: RequestCredentials) => Promise<string | false | undefined> | string;

/** The credentials of a request that were verified last. */
const verified = new PerCall(
  (): { readonly credentials: RequestCredentials; readonly field: CredentialField } | undefined => undefined,
);
/** Requests that cannot be challenged (RFC 3261 section 22.1). */
const NEVER_CHALLENGED: ReadonlySet<string> = new Set(['ACK', 'CANCEL', 'PRACK']);
/** Methods of requests that may have an anonymous From. */
const ANONYMOUS: ReadonlySet<string> = new Set(['INVITE', 'BYE', 'PRACK', 'UPDATE', 'MESSAGE']);

/** MD5 as hexadecimal digits, as digest authentication uses it. */
export const md5 = (text: string): string => createHash('md5').update(text, 'latin1').digest('hex');

/** The user in a username with or without a domain. */
export function bareUser(username: string): string {
  const at = username.indexOf('@');
  return at < 0 ? username : username.slice(0, at);
}

/** The credentials for a realm; "broken" when they cannot be parsed. */
export function credentialsFor(
  { message }: MessageRun,
  field: CredentialField,
  realm: string,
): RequestCredentials | 'broken' | undefined {
  for (const { value, end, line, next } of message.fields(field)) {
    const raw = message.text.slice(value, end);
    const parsed = parseCredentials(raw);
    if (parsed === undefined) continue;
    const { param, username, realm: given } = parsed;
    if (username === undefined || given === undefined) return 'broken';
    if (given === realm) return { username, realm, param, line, next };
  }
  return undefined;
}

/** Verifies the credentials of a request for a realm; returns a code of `AUTH_CODES`, or 1. */
export async function verify(
  run: MessageRun,
  field: CredentialField,
  realm: string,
  ha1Of: Ha1Of,
  method: string,
): Promise<number> {
  const { message, call } = run;
  if (NEVER_CHALLENGED.has(message.method)) return 1;
  const credentials = credentialsFor(run, field, realm);
  if (credentials === undefined) return AUTH_CODES.missing;
  if (credentials === 'broken') return AUTH_CODES.error;
  const { param } = credentials;
  const [nonce, uri, response] = [param('nonce'), param('uri'), param('response')];
  const algorithm = param('algorithm') ?? 'MD5';
  if (nonce === undefined || uri === undefined || response === undefined) return AUTH_CODES.error;
  if (algorithm.toUpperCase() !== 'MD5') return AUTH_CODES.error;
  const state = run.env.modules.of(authentication);
  const nonces = state.of(run);
  const made = nonces.check(nonce, state.bound(run));
  if (made !== 'good') return made === 'stale' ? AUTH_CODES.stale : AUTH_CODES.error;
  const found = ha1Of(credentials);
  const ha1 = typeof found === 'string' ? found : await found;
  if (ha1 === false) return AUTH_CODES.error;
  if (ha1 === undefined) return AUTH_CODES.user;
  const [qop, count, cnonce] = [param('qop')?.toLowerCase(), param('nc'), param('cnonce')];
  const protection = qop === 'auth' || qop === 'auth-int' ? qop : undefined;
  if (protection !== undefined && (cnonce === undefined || count === undefined || !/^[0-9a-f]{1,8}$/i.test(count)))
    return AUTH_CODES.error;
  const wanted = digestResponse(md5, {
    ha1: ha1.toLowerCase(),
    nonce,
    method,
    uri,
    body: message.body,
    protected: protection === undefined ? undefined : { qop: protection, count: count ?? '', cnonce: cnonce ?? '' },
  });
  const given = Buffer.from(response.toLowerCase(), 'latin1');
  if (given.length !== wanted.length || !timingSafeEqual(given, Buffer.from(wanted, 'latin1')))
    return AUTH_CODES.password;
  const use = nonces.use(nonce, protection === undefined ? undefined : Number.parseInt(count ?? '', 16));
  if (use !== 'good') return use === 'used' ? AUTH_CODES.used : AUTH_CODES.stale;
  verified.set(call, { credentials, field });
  return 1;
}

/**
 * Whether the user of the credentials is the user in From, for REGISTER and PUBLISH also in To, and for PUBLISH also in
 * the request-URI. `bits`: 1 checks this, 2 skips methods that may be sent anonymously. With `sameHost` their hosts
 * must be equal too, letter by letter.
 */
export function isSelf({ message, call }: MessageRun, bits: number, sameHost: boolean): boolean {
  const credentials = verified.known(call)?.credentials;
  if ((bits & 1) === 0 || credentials === undefined) return true;
  const user = bareUser(credentials.username);
  const { method } = message;
  if ((bits & 2) !== 0 && ANONYMOUS.has(method)) return true;
  const from = parseUri(addrSpecOf(message.from));
  if (from?.user !== user) return false;
  const others: string[] = [];
  if (method === 'REGISTER' || method === 'PUBLISH') others.push(message.to);
  if (method === 'PUBLISH') others.push(`<${message.requestUri}>`);
  return others.every((each) => {
    const uri = parseUri(addrSpecOf(each));
    return uri?.user === user && (!sameHost || uri.host === from.host);
  });
}

/** Removes the verified credentials from the request; false when there are none. */
export function consume(run: MessageRun): boolean {
  const known = verified.known(run.call);
  // The message may have been parsed again since, so its offsets are not used.
  const found = known === undefined ? undefined : credentialsFor(run, known.field, known.credentials.realm);
  if (typeof found !== 'object') return false;
  run.edits.remove(found.line, found.next);
  return true;
}
