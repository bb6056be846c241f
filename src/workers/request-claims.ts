import { Mixer } from '../core/mix.js';
import { requestsOf } from './shared-layout.js';

/** Entries of a bucket; when it is full the oldest entry is replaced. */
const BUCKET = 8;
/** Bits of an entry from the top: hash, worker, time. 0 means no entry. */
const TAG_SHIFT = 12;
const WORKER_SHIFT = 7;
const WORKER_BITS = 0x1f;
const TIME_BITS = 0x7f;
/** Milliseconds of a unit of time. */
const UNIT_MS = 4000;
/** Units after which an entry expires: five minutes, longer than an INVITE rings. */
const MAX_UNITS = 75;
/** Attempts to write an entry while other processes change its bucket. */
const ATTEMPTS = 8;

/**
 * A table in shared memory of which worker has which request. By it retransmissions, CANCEL and ACK are passed to the
 * worker with the transaction, even if the shares of workers have changed in between. The key is a hash of Call-ID and
 * CSeq number, which all of these have in common. An entry is one word, so no lock is needed. Two requests with the
 * same hash (eight in a million) go to the same worker, which does no harm.
 */
export class RequestClaims {
  private readonly words: Int32Array;
  private readonly mixer: Mixer;
  private readonly buckets: number;

  constructor(
    memory: ArrayBufferLike,
    /** Secret seeds, equal in all processes, since peers choose Call-IDs. */
    [a, b]: readonly [number, number],
    /** Monotonic milliseconds, equal in all processes. */
    private readonly now: () => number,
  ) {
    this.words = requestsOf(memory);
    this.buckets = this.words.length / BUCKET;
    this.mixer = new Mixer(a, b);
  }

  /** The worker that has a request; 0: unknown. */
  find(callId: string, cseq: number): number {
    const { words } = this;
    const { a, b } = this.mixer.begin().text(callId).number(cseq);
    return this.workerIn(words, this.bucketOf(a), b >>> TAG_SHIFT, this.time());
  }

  /** Enters a worker for a request that nobody has. Returns who has it: that worker, or one that was faster. */
  claim(callId: string, cseq: number, worker: number): number {
    const { words } = this;
    const { a, b } = this.mixer.begin().text(callId).number(cseq);
    const bucket = this.bucketOf(a);
    const tag = b >>> TAG_SHIFT;
    const time = this.time();
    const entry = (tag << TAG_SHIFT) | (worker << WORKER_SHIFT) | time;
    for (let i = 0; i < ATTEMPTS; i++) {
      const other = this.workerIn(words, bucket, tag, time);
      if (other !== 0) return other;
      const at = oldestIn(words, bucket, time);
      const before = words[at] as number;
      if (Atomics.compareExchange(words, at, before, entry) === before) return worker;
    }
    return worker;
  }

  /** A worker has ended, and with it its transactions. */
  lost(worker: number): void {
    const { words } = this;
    for (let at = 0; at < words.length; at++) {
      const entry = words[at] as number;
      if (workerOf(entry) === worker) Atomics.compareExchange(words, at, entry, 0);
    }
  }

  private workerIn(words: Int32Array, bucket: number, tag: number, time: number): number {
    for (let at = bucket; at < bucket + BUCKET; at++) {
      const entry = Atomics.load(words, at);
      if (entry >>> TAG_SHIFT === tag && workerOf(entry) !== 0 && ageOf(entry, time) <= MAX_UNITS)
        return workerOf(entry);
    }
    return 0;
  }

  private bucketOf(hash: number): number {
    return ((hash >>> 8) % this.buckets) * BUCKET;
  }

  private time(): number {
    return Math.floor(this.now() / UNIT_MS) & TIME_BITS;
  }
}

function workerOf(entry: number): number {
  return (entry >>> WORKER_SHIFT) & WORKER_BITS;
}

function ageOf(entry: number, time: number): number {
  return (time - entry) & TIME_BITS;
}

/** Index of a free or the oldest entry of a bucket. */
function oldestIn(words: Int32Array, bucket: number, time: number): number {
  let [oldest, age] = [bucket, -1];
  for (let at = bucket; at < bucket + BUCKET; at++) {
    const entry = words[at] as number;
    if (entry === 0) return at;
    const own = ageOf(entry, time);
    if (own > age) [oldest, age] = [at, own];
  }
  return oldest;
}
