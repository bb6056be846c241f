import { LOAD_SIZES, loadWords } from '../engine/shared-loads.js';
import { MAX_SOCKETS } from '../sip/transport/native/steering.js';

/**
 * Size in bytes of the memory that the brain and its workers share; the system provides pages only when they are used.
 */
export const SHARED_BYTES = 80 * 1024 * 1024;

/** Maximum number of partitions from which workers may select. */
export const MAX_TABLES = 4096;

/** First word: the epoch of the valid rules (0: the brain must be asked about everything). */
export const EPOCH = 0;
/** Then, by table, its valid generation; 0: none. */
export const FIRST_TABLE = 1;

/**
 * Then, by worker, how many requests it has decided and forwarded since the start; the last ones may not have been
 * reported yet.
 */
export const BEGUN = FIRST_TABLE + MAX_TABLES;
const MAX_PROCESSES = 64;

/** Then, by process, its numbers of transactions. */
export const FIGURES = BEGUN + MAX_PROCESSES;

/** Then, by worker, its counters in the order of `tallies`. */
export const COUNTERS = FIGURES + 4 * MAX_PROCESSES;
/** Maximum number of counters of a worker. */
export const MAX_COUNTERS = 64;

/** Then, by worker, its load and when it was reported. */
export const LOADS = COUNTERS + MAX_COUNTERS * MAX_PROCESSES;
/** Words of one worker. */
export const LOAD_WORDS = 2;

/**
 * Then, by worker, how far its ring of reports is written and read, and whether the brain reads it; each in its own
 * cache line.
 */
const RING_HEADS = alignedTo(LOADS + LOAD_WORDS * MAX_PROCESSES, 16);
const RING_HEAD_WORDS = 48;

/** Then, by worker, its ring of reports. */
const RINGS = RING_HEADS + RING_HEAD_WORDS * MAX_PROCESSES;
/** Words of a ring: enough for 200 ms at two thousand calls a second. The longest message fits several times. */
export const RING_WORDS = 128 * 1024;
/** One for each worker that a group of sockets may have. */
const MAX_RINGS = MAX_SOCKETS - 1;

/** Then the table of requests and their workers, in buckets of half a cache line. */
const REQUESTS = alignedTo(RINGS + RING_WORDS * MAX_RINGS, 16);
const REQUEST_WORDS = 512 * 1024;

/** Then, when which source may send again: 65,536 sources. */
const RATES = REQUESTS + REQUEST_WORDS;
const RATE_WORDS = 260 * 1024;

/** After these: the calls in progress, and the number of them at each destination. */
const CALLS = RATES + RATE_WORDS;

/** Where the columns of sets begin, in words. */
export const FIRST_COLUMN = alignedTo(CALLS + loadWords(LOAD_SIZES), 16);

/** The words with the epoch and the generations. */
export function headOf(memory: ArrayBufferLike): Int32Array {
  return new Int32Array(memory, 0, RINGS);
}

/** The head of a worker's ring. */
export function ringHeadOf(memory: ArrayBufferLike, worker: number): Int32Array {
  return new Int32Array(memory, 4 * (RING_HEADS + RING_HEAD_WORDS * worker), RING_HEAD_WORDS);
}

/** The table of requests and their workers. */
export function requestsOf(memory: ArrayBufferLike): Int32Array {
  return new Int32Array(memory, 4 * REQUESTS, REQUEST_WORDS);
}

/** The words of the limits on single sources. They begin at a multiple of 8 bytes. */
export function ratesOf(memory: ArrayBufferLike): Int32Array {
  return new Int32Array(memory, 4 * RATES, RATE_WORDS);
}

/** The words of the calls in progress. */
export function callsOf(memory: ArrayBufferLike): Int32Array {
  return new Int32Array(memory, 4 * CALLS, loadWords(LOAD_SIZES));
}

/** Where a worker's ring begins, in bytes; a multiple of 8. */
export function ringAt(worker: number): number {
  return 4 * (RINGS + RING_WORDS * (worker - 1));
}

/** The brain's number in locks. */
export const BRAIN = 1;

/** A worker's number in locks. */
export function ownerOf(worker: number): number {
  return BRAIN + worker;
}

function alignedTo(word: number, words: number): number {
  return Math.ceil(word / words) * words;
}
