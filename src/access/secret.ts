import { createHash, randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';

/** Cost of new password hashes (RFC 7914 section 2): 32 MiB of memory and about 0.1 s. */
const COST = { N: 32_768, r: 8, p: 1 } as const;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** Bytes of memory that a stored hash may ask for; this also bounds the time of a check. */
const MAX_MEMORY = 256 * 1024 * 1024;

/** "scrypt:N:r:p:salt:hash", salt and hash in base64url. */
export const PASSWORD_HASH =
  /^scrypt:([0-9]{4,7}):([0-9]{1,2}):([0-9]{1,2}):([A-Za-z0-9_-]{8,128}):([A-Za-z0-9_-]{22,128})$/;
/** "sha256:" and the hash of a token in hexadecimal digits. */
export const TOKEN_HASH = /^sha256:([0-9a-f]{64})$/;

/** Creates a token of 256 random bits. So many bits cannot be guessed, hence its hash has no salt and is fast. */
export function newToken(): string {
  return `swy_${randomBytes(32).toString('base64url')}`;
}

/** The text stored for a token. */
export function hashToken(token: string): string {
  return `sha256:${createHash('sha256').update(token).digest('hex')}`;
}

/** The text stored for a password. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const { N, r, p } = COST;
  const hash = await derive(password, salt, HASH_BYTES, COST);
  return `scrypt:${N}:${r}:${p}:${salt.toString('base64url')}:${hash.toString('base64url')}`;
}

/** Checks a password against its stored hash, in a thread of the pool, so that the event loop is not blocked. */
export async function isPassword(password: string, stored: string): Promise<boolean> {
  const match = PASSWORD_HASH.exec(stored);
  if (match === null) return false;
  const [, N, r, p, salt = '', hash = ''] = match;
  const wanted = Buffer.from(hash, 'base64url');
  const options = { N: Number(N), r: Number(r), p: Number(p) };
  const got = await derive(password, Buffer.from(salt, 'base64url'), wanted.length, options);
  return timingSafeEqual(got, wanted);
}

/**
 * A hash that no password matches. It is checked for unknown users, so that the time of a reply does not show which
 * users exist.
 */
export function decoyHash(): string {
  const { N, r, p } = COST;
  return `scrypt:${N}:${r}:${p}:${randomBytes(SALT_BYTES).toString('base64url')}:${randomBytes(HASH_BYTES).toString('base64url')}`;
}

/** Compares two texts in a time that does not depend on where they differ. */
export function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((each) => createHash('sha256').update(each).digest());
  return timingSafeEqual(a as Buffer, b as Buffer);
}

function derive(password: string, salt: Buffer, length: number, cost: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, { ...cost, maxmem: MAX_MEMORY }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
