import { MOST_SOCKETS } from '../sip/transport/native/steering.js';

/** Bytes of the memory that the brain and its workers share: touched as far as it is used. */
export const SHARED_BYTES = 37 * 1024 * 1024;

/** Partitions that workers may select from at most. */
export const MOST_TABLES = 4096;

/** Words at the start of the memory: which rules hold (0: the brain is to be asked about everything), then which tables do. */
export const EPOCH = 0;
/** Word of the first table: the generation of it that holds, 0 for none. */
export const FIRST_TABLE = 1;

/** Then, by worker, how many requests it has decided about and relayed since the start: reports of the last ones may be under way. */
export const BEGUN = FIRST_TABLE + MOST_TABLES;
const MOST_PROCESSES = 64;

/** Then, by process, its transactions. */
export const FIGURES = BEGUN + MOST_PROCESSES;

/** Then, by worker, its counters in the order of `tallies`. */
export const COUNTERS = FIGURES + 4 * MOST_PROCESSES;
/** Counters of a worker at most. */
export const MOST_COUNTERS = 64;

/** Then, by worker, how busy it is, and when it said so. */
export const LOADS = COUNTERS + MOST_COUNTERS * MOST_PROCESSES;
/** Words of one worker. */
export const LOAD_WORDS = 2;

/** Then, by worker, how far its ring of reports is written and read, and whether the brain looks at it. A cache line apart. */
const RING_HEADS = alignedTo(LOADS + LOAD_WORDS * MOST_PROCESSES, 16);
const RING_HEAD_WORDS = 48;

/** Then, by worker, the ring of what it reports. */
const RINGS = RING_HEADS + RING_HEAD_WORDS * MOST_PROCESSES;
/** Words of a ring: two hundred milliseconds of two thousand calls a second. A message fits several times. */
export const RING_WORDS = 128 * 1024;
/** One for each worker that a group of sockets may have. */
const MOST_RINGS = MOST_SOCKETS - 1;

/** Then, which worker has which request, in buckets of a cache line's half. */
const REQUESTS = alignedTo(RINGS + RING_WORDS * MOST_RINGS, 16);
const REQUEST_WORDS = 512 * 1024;

/** Then, when which source may send again: 65,536 sources. */
const RATES = REQUESTS + REQUEST_WORDS;
const RATE_WORDS = 260 * 1024;

/** Where the columns of sets begin, in words. */
export const FIRST_COLUMN = RATES + RATE_WORDS;

/** The view of the words that say what holds. */
export function headOf(memory: ArrayBufferLike): Int32Array {
  return new Int32Array(memory, 0, RINGS);
}

/** The words of a worker's ring that both sides look at. */
export function ringHeadOf(memory: ArrayBufferLike, worker: number): Int32Array {
  return new Int32Array(memory, 4 * (RING_HEADS + RING_HEAD_WORDS * worker), RING_HEAD_WORDS);
}

/** The words that say which worker has which request. */
export function requestsOf(memory: ArrayBufferLike): Int32Array {
  return new Int32Array(memory, 4 * REQUESTS, REQUEST_WORDS);
}

/** The words of the limits on single sources. They begin at a multiple of 8 bytes. */
export function ratesOf(memory: ArrayBufferLike): Int32Array {
  return new Int32Array(memory, 4 * RATES, RATE_WORDS);
}

/** Where a worker's ring begins, in bytes: a multiple of 8. */
export function ringAt(worker: number): number {
  return 4 * (RINGS + RING_WORDS * (worker - 1));
}

/** The number of the brain in locks. */
export const BRAIN = 1;

/** The number of a worker in locks. */
export function ownerOf(worker: number): number {
  return BRAIN + worker;
}

function alignedTo(word: number, words: number): number {
  return Math.ceil(word / words) * words;
}
