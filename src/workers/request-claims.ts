import { Mixer } from '../core/mix.js';
import { requestsOf } from './shared-layout.js';

/** Requests of one bucket; where there are more the oldest is forgotten. */
const BUCKET = 8;
/** Bits of an entry, from the highest: of its hash, then the worker, then the time. 0 is no entry. */
const TAG_SHIFT = 12;
const WORKER_SHIFT = 7;
const WORKER_BITS = 0x1f;
const TIME_BITS = 0x7f;
/** Milliseconds of a unit of time. */
const UNIT_MS = 4000;
/** Units after which a request is forgotten: five minutes, longer than an INVITE rings. */
const MOST_UNITS = 75;
/** Attempts to enter a request while other processes change its bucket. */
const ATTEMPTS = 8;

/**
 * Which worker has which request, in the memory that all share: so that copies of it, its CANCEL and its ACK are handed on to who has its
 * transaction, however requests were spread in between. A request is known by a hash of its Call-ID and the number of its CSeq, which all these have
 * in common. An entry is one word, so that no lock is needed. Two requests of one hash (eight of a million) go to one worker, and lose nothing by it.
 */
export class RequestClaims {
  private readonly words: Int32Array;
  private readonly mixer: Mixer;
  private readonly buckets: number;

  constructor(
    memory: ArrayBufferLike,
    /** Secret numbers, the same in all processes: peers choose Call-IDs. */
    [a, b]: readonly [number, number],
    /** Monotonic milliseconds, the same in all processes. */
    private readonly now: () => number,
  ) {
    this.words = requestsOf(memory);
    this.buckets = this.words.length / BUCKET;
    this.mixer = new Mixer(a, b);
  }

  /** The worker that has a request; 0: nobody is known to. */
  find(callId: string, cseq: number): number {
    const { words } = this;
    const { a, b } = this.mixer.begin().text(callId).number(cseq);
    return this.workerIn(words, this.bucketOf(a), b >>> TAG_SHIFT, this.time());
  }

  /** A worker takes a request that nobody has. Returns who has it: another one that was faster, or that worker. */
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

  /** A worker has ended, and its transactions with it. */
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
      if (entry >>> TAG_SHIFT === tag && workerOf(entry) !== 0 && ageOf(entry, time) <= MOST_UNITS)
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

/** Where a bucket has room, or its oldest entry. */
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
