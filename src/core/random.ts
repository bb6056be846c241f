import { randomBytes, randomFillSync } from 'node:crypto';

/** The source of random numbers, passed to those who need it, so that tests can fix the numbers. */
export interface Random {
  /** A uniformly distributed integer, 0 to 2^32-1. */
  uint32(): number;
  /** `bytes` random bytes in lower-case hexadecimal. */
  token(bytes: number): string;
}

const pool = new Uint32Array(1024);
/** Number of used elements of the pool. One pool per process, since its numbers come from the system. */
let used = pool.length;

/** Cryptographic random numbers. They are fetched from the system in blocks, so that one costs nanoseconds. */
export const systemRandom: Random = {
  uint32() {
    if (used === pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    return pool[used++] as number;
  },
  token: (bytes) => randomBytes(bytes).toString('hex'),
};
