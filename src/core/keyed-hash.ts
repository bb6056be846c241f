import { hash } from 'node:crypto';

/**
 * A token for `text` that nobody can compute without `key`: 96 bits of the SHA-256 of both, as 16 characters that are
 * valid in a SIP token. It takes half a microsecond, a quarter of an HMAC. HMAC would also prevent length extension,
 * but so does truncating the hash.
 */
export function keyedHash(key: string, text: string): string {
  return hash('sha256', `${key.length}.${key}${text}`, 'base64url').slice(0, 16);
}
