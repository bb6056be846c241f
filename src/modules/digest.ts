import { createHash } from 'node:crypto';
import type { DialectName } from '../cfg/function-table.js';
import { trimmed, trimStart } from '../core/characters.js';
import { paramPairs } from '../pvar/header-values.js';

/** A challenge of a server (RFC 7616 section 3.3). */
export interface DigestChallenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  /** "MD5", "SHA-256", "SHA-512-256", also with "-sess"; as the server wrote it. */
  readonly algorithm: string | undefined;
  /** Values of qop, in lower case. */
  readonly qop: readonly string[];
}

/** The parts of a request that a digest covers. */
export interface DigestRequest {
  readonly method: string;
  readonly uri: string;
  readonly body: string;
}

/** Credentials for answering a challenge. */
export interface DigestCredentials {
  readonly user: string;
  /** The password; with `hashed`, H(user:realm:password) in hexadecimal. */
  readonly password: string;
  readonly hashed?: boolean;
}

/** Parses a WWW-Authenticate or Proxy-Authenticate value; undefined for another scheme, or without realm and nonce. */
export function readChallenge(text: string): DigestChallenge | undefined {
  const scheme = trimStart(text);
  if (scheme.slice(0, 6).toLowerCase() !== 'digest' || !/[ \t\r\n]/.test(scheme[6] ?? '')) return undefined;
  const values = new Map<string, string>();
  for (const [name, value] of paramPairs(scheme.slice(7), ',')) {
    const key = name.toLowerCase();
    if (!values.has(key)) values.set(key, value);
  }
  const [realm, nonce] = [values.get('realm'), values.get('nonce')];
  if (realm === undefined || nonce === undefined) return undefined;
  const qop = (values.get('qop') ?? '').toLowerCase().split(',');
  return {
    realm,
    nonce,
    opaque: values.get('opaque'),
    algorithm: values.get('algorithm'),
    qop: qop.map((each) => trimmed(each)).filter((each) => each !== ''),
  };
}

/** Input of `digestResponse`. */
export interface DigestParts extends DigestRequest {
  readonly ha1: string;
  readonly nonce: string;
  /** undefined: without qop, as in RFC 2069. */
  readonly protected:
    | { readonly qop: 'auth' | 'auth-int'; readonly count: string; readonly cnonce: string }
    | undefined;
}

/** The response of a digest (RFC 7616 section 3.4.1), in lower-case hexadecimal. */
export function digestResponse(hash: (text: string) => string, parts: DigestParts): string {
  const { ha1, nonce, method, uri, body, protected: by } = parts;
  const second = hash(`${method}:${uri}${by?.qop === 'auth-int' ? `:${hash(body)}` : ''}`);
  const middle = by === undefined ? nonce : `${nonce}:${by.count}:${by.cnonce}:${by.qop}`;
  return hash(`${ha1}:${middle}:${second}`);
}

/** Names of hashes in node:crypto by their names in RFC 7616. A Map, since servers choose the key. */
const HASHES: ReadonlyMap<string, string> = new Map([
  ['md5', 'md5'],
  ['sha-256', 'sha256'],
  ['sha-512-256', 'sha512-256'],
]);

function quoted(text: string): string {
  return `"${text.replace(/[\r\n]/g, '').replace(/["\\]/g, '\\$&')}"`;
}

/**
 * The Authorization or Proxy-Authorization value that answers a challenge (RFC 7616 section 3.4). Undefined for an
 * unsupported algorithm or qop. `order` is the order of the parameters; Kamailio always includes the algorithm.
 */
export function answerChallenge(
  challenge: DigestChallenge,
  request: DigestRequest,
  { user, password, hashed = false }: DigestCredentials,
  cnonce: string,
  order: DialectName = 'opensips',
): string | undefined {
  const { realm, nonce, opaque, algorithm, qop } = challenge;
  const name = (algorithm ?? 'MD5').toLowerCase();
  const kind = HASHES.get(name.replace(/-sess$/, ''));
  if (kind === undefined) return undefined;
  const protection = qop.includes('auth') ? 'auth' : qop.includes('auth-int') ? 'auth-int' : undefined;
  if (qop.length > 0 && protection === undefined) return undefined;
  const hash = (text: string): string => createHash(kind).update(text, 'latin1').digest('hex');
  let first = hashed ? password : hash(`${user}:${realm}:${password}`);
  if (name.endsWith('-sess')) first = hash(`${first}:${nonce}:${cnonce}`);
  const count = '00000001';
  const response = digestResponse(hash, {
    ha1: first,
    nonce,
    ...request,
    protected: protection === undefined ? undefined : { qop: protection, count, cnonce },
  });
  const asked = protection === undefined ? [] : [`qop=${protection}`, `nc=${count}`, `cnonce="${cnonce}"`];
  const answer = `response="${response}"`;
  const kept = opaque === undefined ? [] : [`opaque=${quoted(opaque)}`];
  const named = algorithm?.replace(/[^A-Za-z0-9-]/g, '');
  const parts = [
    `username=${quoted(user)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(request.uri)}`,
    ...(order === 'kamailio'
      ? [...kept, ...asked, answer, `algorithm=${named ?? 'MD5'}`]
      : [answer, ...(named === undefined ? [] : [`algorithm=${named}`]), ...kept, ...asked]),
  ];
  return `Digest ${parts.join(', ')}`;
}
