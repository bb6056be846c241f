import { createHash, randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';

/** Cost of new password hashes (RFC 7914 section 2): 32 MiB and about a tenth of a second. */
const COST = { N: 32_768, r: 8, p: 1 } as const;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** What a stored hash may ask for at most; it bounds memory and time of one check. */
const MAX_MEMORY = 256 * 1024 * 1024;

/** "scrypt:N:r:p:salt:hash", salt and hash in base64url. */
export const PASSWORD_HASH =
  /^scrypt:([0-9]{4,7}):([0-9]{1,2}):([0-9]{1,2}):([A-Za-z0-9_-]{8,128}):([A-Za-z0-9_-]{22,128})$/;
/** "sha256:" and the hash of a token in hexadecimal digits. */
export const TOKEN_HASH = /^sha256:([0-9a-f]{64})$/;

/** A token: 256 random bits. Its hash needs no salt and no slow function. */
export function newToken(): string {
  return `swy_${randomBytes(32).toString('base64url')}`;
}

/** What is stored of a token. */
export function hashToken(token: string): string {
  return `sha256:${createHash('sha256').update(token).digest('hex')}`;
}

/** What is stored of a password. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const { N, r, p } = COST;
  const hash = await derive(password, salt, HASH_BYTES, COST);
  return `scrypt:${N}:${r}:${p}:${salt.toString('base64url')}:${hash.toString('base64url')}`;
}

/** Whether a password is the one that is stored. The work is done by a thread of the pool, not on the event loop. */
export async function isPassword(password: string, stored: string): Promise<boolean> {
  const match = PASSWORD_HASH.exec(stored);
  if (match === null) return false;
  const [, N, r, p, salt = '', hash = ''] = match;
  const wanted = Buffer.from(hash, 'base64url');
  const options = { N: Number(N), r: Number(r), p: Number(p) };
  const got = await derive(password, Buffer.from(salt, 'base64url'), wanted.length, options);
  return timingSafeEqual(got, wanted);
}

/** A stored hash of no password, to spend the same time on users that are not there. */
export function decoyHash(): string {
  const { N, r, p } = COST;
  return `scrypt:${N}:${r}:${p}:${randomBytes(SALT_BYTES).toString('base64url')}:${randomBytes(HASH_BYTES).toString('base64url')}`;
}

/** Whether two texts are the same, in a time that does not depend on where they differ. */
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
