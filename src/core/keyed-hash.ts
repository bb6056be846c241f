import { hash } from 'node:crypto';

/**
 * A token over `text` that nobody can make who does not know `key`: 96 bits of SHA-256 over both, as 16 characters that may
 * stand in a SIP token. It takes half a microsecond, a quarter of an HMAC; what HMAC guards against besides, that a hash is
 * continued beyond its text, a part of the hash does not allow.
 */
export function keyedHash(key: string, text: string): string {
  return hash('sha256', `${key.length}.${key}${text}`, 'base64url').slice(0, 16);
}
