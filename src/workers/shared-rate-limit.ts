import { randomInt } from 'node:crypto';
import { Mixer } from '../core/mix.js';
import { type LockOptions, SharedLock } from '../core/shared-lock.js';
import { fullAt, type RateLimit, secondsToToken, tokenTimes } from '../sip/rate-limit.js';
import type { AddressSet } from '../sip/trusted-sources.js';
import { ratesOf } from './shared-layout.js';

/**
 * Words at the start: hash seeds and number of refused requests; then, two words each, the milliseconds of a token and
 * of a burst.
 */
const SEED_A = 0;
const SEED_B = 1;
const REFUSED = 2;
const INTERVAL = 4;
const TOLERANCE = 6;
/** Then the locks; a bucket uses the lock whose number is the bucket's number modulo their count. */
const FIRST_LOCK = 16;
const LOCKS = 64;
const FIRST_BUCKET = FIRST_LOCK + LOCKS;
/**
 * Sources of a bucket: first two words each for the hash (0 0: none), then two words each for the time when all tokens
 * are available again.
 */
const SOURCES = 8;
const BUCKET_WORDS = 4 * SOURCES;

/**
 * A rate limit for each source over all processes: like `SourceRateLimiter`, with the times in shared memory. A source
 * is identified by a 64-bit hash of its address with secret seeds. In a full bucket, the source with the most tokens is
 * dropped.
 */
export class SharedRateLimiter {
  private readonly words: Int32Array;
  private readonly doubles: Float64Array;
  private readonly locks: readonly SharedLock[];
  private readonly mixer: Mixer;
  private readonly buckets: number;

  constructor(
    memory: ArrayBufferLike,
    /** Monotonic milliseconds, equal in all processes. */
    private readonly now: () => number,
    /** Sources without a limit. */
    private readonly trusted: AddressSet | undefined = undefined,
    lock: LockOptions = {},
    owner = process.pid,
  ) {
    const words = (this.words = ratesOf(memory));
    this.doubles = new Float64Array(words.buffer, words.byteOffset, words.length >> 1);
    this.buckets = Math.floor((words.length - FIRST_BUCKET) / BUCKET_WORDS);
    this.locks = Array.from({ length: LOCKS }, (_, i) => new SharedLock(words, FIRST_LOCK + i, owner, lock));
    // Random, from the first process: peers must not know which of their addresses share a bucket.
    for (const at of [SEED_A, SEED_B]) Atomics.compareExchange(words, at, 0, randomInt(1, 0x7fff_ffff));
    this.mixer = new Mixer(words[SEED_A] as number, words[SEED_B] as number);
  }

  /** Number of requests refused by all processes. */
  get refused(): number {
    return Atomics.load(this.words, REFUSED) >>> 0;
  }

  /** Number of sources that do not have all their tokens. */
  get size(): number {
    if (this.doubles[INTERVAL >> 1] === 0) return 0;
    const now = this.now();
    let size = 0;
    for (let bucket = 0; bucket < this.buckets; bucket++) {
      const times = this.timesOf(bucket);
      for (let i = 0; i < SOURCES; i++) if ((this.doubles[times + i] as number) > now) size++;
    }
    return size;
  }

  /** Changes the limit for all processes at once, as `SourceRateLimiter.configure` does. */
  configure(limit: RateLimit): void {
    const { doubles } = this;
    const { intervalMs, toleranceMs } = tokenTimes(limit);
    const hadLimit = doubles[INTERVAL >> 1] !== 0;
    doubles[TOLERANCE >> 1] = toleranceMs;
    doubles[INTERVAL >> 1] = intervalMs;
    // Memory that was never written stays unallocated.
    if (intervalMs === 0 && hadLimit) this.words.fill(0, FIRST_BUCKET);
  }

  /** Releases the locks of a process that has ended. Call it before its ID can be reused. */
  ended(pid: number): void {
    for (const lock of this.locks) lock.ended(pid);
  }

  /** Takes a token of a source. Returns 0, or, when it has none, the seconds until it has one. */
  take(source: string): number {
    const intervalMs = this.doubles[INTERVAL >> 1] as number;
    if (intervalMs === 0 || this.trusted?.has(source) === true) return 0;
    const { a, b } = this.mixer.begin().text(source);
    const bucket = (a >>> 0) % this.buckets;
    const lock = this.locks[bucket % LOCKS] as SharedLock;
    lock.enter();
    const now = this.now();
    const at = this.find(bucket, a, b === 0 ? 1 : b, now);
    const toleranceMs = this.doubles[TOLERANCE >> 1] as number;
    const from = fullAt(this.doubles[at] as number, now, intervalMs, toleranceMs);
    const wait = secondsToToken(from, now, toleranceMs);
    this.doubles[at] = wait === 0 ? from + intervalMs : from;
    lock.leave();
    if (wait > 0) Atomics.add(this.words, REFUSED, 1);
    return wait;
  }

  /** The index of a source's time; a new source gets all its tokens. */
  private find(bucket: number, a: number, b: number, now: number): number {
    const { words, doubles } = this;
    const tags = FIRST_BUCKET + BUCKET_WORDS * bucket;
    const times = this.timesOf(bucket);
    let [oldest, at] = [Number.POSITIVE_INFINITY, 0];
    for (let i = 0; i < SOURCES; i++) {
      if (words[tags + 2 * i] === a && words[tags + 2 * i + 1] === b) return times + i;
      const time = doubles[times + i] as number;
      if (time < oldest) [oldest, at] = [time, i];
    }
    words[tags + 2 * at] = a;
    words[tags + 2 * at + 1] = b;
    doubles[times + at] = now;
    return times + at;
  }

  private timesOf(bucket: number): number {
    return (FIRST_BUCKET + BUCKET_WORDS * bucket) / 2 + SOURCES;
  }
}
