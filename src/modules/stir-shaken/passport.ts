import { type KeyObject, sign, verify } from 'node:crypto';
import { trimmed } from '../../core/characters.js';

/** Maximum length of an Identity field. */
const MAX_IDENTITY = 8192;

/**
 * Scripts put parts of a PASSporT into header lines, so none may have a line break (RFC 8225 section 9 allows no white
 * space at all).
 */
const CONTROL = /[\x00-\x1f\x7f]/;

/** The claims of a SHAKEN PASSporT (RFC 8225, RFC 8588). */
export interface Claims {
  readonly attest: 'A' | 'B' | 'C';
  /** Telephone numbers without "+". */
  readonly dest: string;
  readonly orig: string;
  /** Seconds since 1970. */
  readonly iat: number;
  readonly origid: string;
}

/** A parsed Identity field. */
export interface Passport {
  readonly claims: Claims;
  /** URL of the certificate. */
  readonly x5u: string;
  /** The JSON texts of header and payload. */
  readonly header: string;
  readonly payload: string;
  /** The signed text, and the signature. */
  readonly signed: string;
  readonly signature: Buffer;
}

/** Why an Identity field has no SHAKEN PASSporT. */
export type PassportFault = 'invalid' | 'unsupported';

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value), 'utf8').toString('base64url');

/**
 * The value of Identity for claims, signed with ES256; properties are in the order of RFC 8225 section 9. Throws for
 * another kind of key.
 */
export function signedIdentity({ attest, dest, orig, iat, origid }: Claims, x5u: string, key: KeyObject): string {
  const header = encoded({ alg: 'ES256', ppt: 'shaken', typ: 'passport', x5u });
  const payload = encoded({ attest, dest: { tn: [dest] }, iat, orig: { tn: orig }, origid });
  const signature = sign('sha256', Buffer.from(`${header}.${payload}`), { key, dsaEncoding: 'ieee-p1363' });
  return `${header}.${payload}.${signature.toString('base64url')};info=<${x5u}>;alg=ES256;ppt=shaken`;
}

/** Whether the signature of a PASSporT was made with a key; false for another kind of key. */
export function isSignedBy({ signed, signature }: Passport, key: KeyObject): boolean {
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return false;
  return verify('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }, signature);
}

/** Parses an Identity field (RFC 8224 section 4.1). */
export function readIdentity(value: string): Passport | PassportFault {
  if (value.length > MAX_IDENTITY) return 'invalid';
  // A URL in <> may contain a semicolon.
  const [token = '', ...rest] = (value.match(/(?:<[^<>]*>|"[^"]*"|[^;<"])+/g) ?? []).map((each) => trimmed(each));
  const parts = token.split('.');
  const [first = '', second = '', third = ''] = parts;
  if (parts.length !== 3 || parts.some((each) => each === '' || !/^[\w-]+$/.test(each))) return 'invalid';
  const parameters = parametersIn(rest);
  if ((parameters.get('alg') ?? 'ES256') !== 'ES256' || (parameters.get('ppt') ?? 'shaken') !== 'shaken')
    return 'unsupported';
  const info = /^<([^<>]*)>$/.exec(parameters.get('info') ?? '')?.[1];
  const [header, payload] = [jsonIn(first), jsonIn(second)];
  if (header === undefined || payload === undefined || info === undefined) return 'invalid';
  const { alg, ppt, typ, x5u } = header.value;
  if (typ !== 'passport' || typeof x5u !== 'string' || x5u !== info || CONTROL.test(x5u)) return 'invalid';
  if (alg !== 'ES256' || ppt !== 'shaken') return 'unsupported';
  const claims = claimsIn(payload.value);
  if (claims === undefined) return 'invalid';
  const signature = Buffer.from(third, 'base64url');
  const signed = `${first}.${second}`;
  return { claims, x5u, header: header.text, payload: payload.text, signed, signature };
}

function parametersIn(texts: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const each of texts) {
    const at = each.indexOf('=');
    if (at > 0)
      found.set(trimmed(each.slice(0, at)).toLowerCase(), trimmed(each.slice(at + 1)).replace(/^"(.*)"$/, '$1'));
  }
  return found;
}

type JsonObject = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function jsonIn(text: string): { readonly text: string; readonly value: JsonObject } | undefined {
  try {
    const plain = Buffer.from(text, 'base64url').toString('utf8');
    const value: unknown = JSON.parse(plain);
    return isObject(value) && !CONTROL.test(plain) ? { text: plain, value } : undefined;
  } catch {
    return undefined;
  }
}

function claimsIn({ attest, dest, iat, orig, origid }: JsonObject): Claims | undefined {
  const to = isObject(dest) && Array.isArray(dest['tn']) ? (dest['tn'] as unknown[])[0] : undefined;
  const from = isObject(orig) ? orig['tn'] : undefined;
  if (attest !== 'A' && attest !== 'B' && attest !== 'C') return undefined;
  if (typeof to !== 'string' || typeof from !== 'string' || typeof origid !== 'string') return undefined;
  if ([to, from, origid].some((each) => CONTROL.test(each))) return undefined;
  if (typeof iat !== 'number' || !Number.isSafeInteger(iat) || iat < 0) return undefined;
  return { attest, dest: to, orig: from, iat, origid };
}
