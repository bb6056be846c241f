import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../core/errors.js';
import { ExpiringMap } from '../expiring-map.js';

/**
 * Maximum number of parsed certificates and keys that are cached: files of a script have few, certificates of peers
 * come from the script's caches.
 */
const MAX_KEPT = 64;
/** Maximum length of the PEM text of a chain or key. */
const MAX_PEM = 65_536;
/** Maximum number of certificates in a chain. */
const MAX_CHAIN = 8;
/** Maximum number of files read from ca_dir. */
const MAX_FILES = 1000;

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Cache of parsed texts; `none` is the result for a text that is too long. */
class Kept<T> {
  private readonly kept = new ExpiringMap<T>(MAX_KEPT);

  constructor(
    private readonly none: T,
    private readonly read: (text: string) => T,
  ) {}

  of(text: string): T {
    if (text.length > MAX_PEM) return this.none;
    let value = this.kept.get(text, 0);
    if (value === undefined) {
      value = this.read(text);
      this.kept.set(text, value, undefined);
    }
    return value;
  }
}

const chains = new Kept<readonly X509Certificate[]>([], (text) => {
  try {
    return (text.match(CERTIFICATE) ?? []).slice(0, MAX_CHAIN).map((each) => new X509Certificate(each));
  } catch {
    return [];
  }
});

const keys = new Kept<KeyObject | null>(null, (text) => {
  try {
    const key = createPrivateKey(text);
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : null;
  } catch {
    return null;
  }
});

/** A certificate and its issuers, in the order of the PEM text; empty for any other text. */
export function chainOf(pem: string): readonly X509Certificate[] {
  return chains.of(pem);
}

/** A private key for ES256; undefined for any other text. */
export function keyOf(pem: string): KeyObject | undefined {
  return keys.of(pem) ?? undefined;
}

/** Whether a time, in milliseconds since 1970, is within the validity of a certificate. */
export function isValidAt({ validFrom, validTo }: X509Certificate, time: number): boolean {
  return time >= Date.parse(validFrom) && time <= Date.parse(validTo);
}

/**
 * Whether a certificate authority has issued the first certificate of a chain, directly or through the others, and all
 * of them are valid at a time.
 */
export function isTrusted(
  chain: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
  time: number,
): boolean {
  const [first, ...others] = chain;
  if (first === undefined) return false;
  let at = first;
  const unused = new Set(others);
  for (;;) {
    if (!isValidAt(at, time)) return false;
    const current = at;
    const issued = (by: X509Certificate): boolean => current.checkIssued(by) && current.verify(by.publicKey);
    // A listed certificate that is not a CA is trusted itself, but not as an issuer.
    const authority = authorities.find(
      (each) => each.fingerprint256 === current.fingerprint256 || (each.ca && issued(each)),
    );
    if (authority !== undefined) return isValidAt(authority, time);
    const next = [...unused].find((each) => each.ca && issued(each));
    if (next === undefined) return false;
    unused.delete(next);
    at = next;
  }
}

/** The certificate authorities in a file and a folder. Throws an Error with the name of a file that cannot be read. */
export function authoritiesIn(file: string, folder: string): readonly X509Certificate[] {
  const files = file === '' ? [] : [file];
  try {
    if (folder !== '')
      files.push(
        ...readdirSync(folder)
          .slice(0, MAX_FILES)
          .map((each) => join(folder, each)),
      );
  } catch (error) {
    throw new Error(`${folder} cannot be read: ${messageOf(error)}`);
  }
  return files.flatMap((each) => {
    try {
      return (readFileSync(each, 'latin1').match(CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem));
    } catch (error) {
      throw new Error(`${each} cannot be read: ${messageOf(error)}`);
    }
  });
}
