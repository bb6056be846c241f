import { RING_WORDS, ringAt, ringHeadOf } from './shared-layout.js';

/** Words of the head, each in its own cache line, since one side reads what the other writes. */
const WRITTEN = 0;
const READ = 16;
const ASLEEP = 32;

/** Words before the content of a record: its total length and its kind; a time follows at an even word. */
const RECORD_HEAD = 2;
/** Kind of a record that fills the ring up to its end. */
const FILLER = 0;

/**
 * A ring of records from one worker to the brain, in memory that both map: one writes, the other reads, and neither
 * waits. A record has a kind, words, and then bytes. Positions grow forever, modulo 2^32.
 */
export class ReportRing {
  /** The memory of the ring as 32-bit words, as doubles (at even words) and as bytes. */
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly octets: Buffer;
  private readonly head: Int32Array;

  constructor(memory: ArrayBufferLike, worker: number) {
    this.head = ringHeadOf(memory, worker);
    this.words = new Int32Array(memory, ringAt(worker), RING_WORDS);
    this.doubles = new Float64Array(memory, ringAt(worker), RING_WORDS / 2);
    this.octets = Buffer.from(memory as ArrayBuffer, ringAt(worker), 4 * RING_WORDS);
  }

  /** Whether a record of so many bytes can fit contiguously, wherever the end of the ring is. */
  static fits(octets: number): boolean {
    return octets <= 2 * RING_WORDS - 64;
  }

  /**
   * Begins a record of a kind with at most so many bytes; returns the word where its content begins, or -1 when there
   * is no room now.
   */
  begin(kind: number, octets: number): number {
    const { head, words } = this;
    const size = sizeFor(octets);
    const written = head[WRITTEN] as number;
    const free = RING_WORDS - ((written - Atomics.load(head, READ)) | 0);
    const at = written & (RING_WORDS - 1);
    const left = RING_WORDS - at;
    if (left >= size) {
      if (free < size) return -1;
      words[at + 1] = kind;
      return at + RECORD_HEAD;
    }
    // It must be contiguous, so it goes to the start of the ring.
    if (free < left + size) return -1;
    words[at] = left;
    words[at + 1] = FILLER;
    words[1] = kind;
    Atomics.store(head, WRITTEN, (written + left) | 0);
    return RECORD_HEAD;
  }

  /**
   * Completes the record at `at` with so many bytes, so that it can be read. Returns whether the reader must be woken.
   */
  end(at: number, octets: number): boolean {
    const { head, words } = this;
    const size = sizeFor(octets);
    words[at - RECORD_HEAD] = size;
    Atomics.store(head, WRITTEN, ((head[WRITTEN] as number) + size) | 0);
    return this.wakes();
  }

  /** Whether the reader sleeps and has not been woken yet. */
  wakes(): boolean {
    return Atomics.load(this.head, ASLEEP) === 1 && Atomics.compareExchange(this.head, ASLEEP, 1, 0) === 1;
  }

  /**
   * Passes the records written so far to `receive`, with their kind and position; it must not throw. Returns their
   * number. Throws when the ring is corrupt; then nothing was read.
   */
  read(receive: (kind: number, at: number) => void): number {
    const { head, words } = this;
    const written = Atomics.load(head, WRITTEN);
    let read = head[READ] as number;
    let count = 0;
    while (read !== written) {
      const at = read & (RING_WORDS - 1);
      const size = words[at] as number;
      const kind = words[at + 1] as number;
      if (size < RECORD_HEAD || size > RING_WORDS - at) {
        Atomics.store(head, READ, written);
        throw new Error('there is no record where one should begin');
      }
      read = (read + size) | 0;
      if (kind !== FILLER) {
        receive(kind, at + RECORD_HEAD);
        count++;
      }
      Atomics.store(head, READ, read);
    }
    return count;
  }

  /** Sets whether the reader sleeps and must be woken. */
  sleep(asleep: boolean): void {
    Atomics.store(this.head, ASLEEP, asleep ? 1 : 0);
  }

  /** Another process writes from now on. */
  clear(): void {
    Atomics.store(this.head, WRITTEN, 0);
    Atomics.store(this.head, READ, 0);
  }
}

/** Words of a record with so many bytes: an even number, so that doubles of the next record are aligned. */
function sizeFor(octets: number): number {
  return RECORD_HEAD + 2 * ((octets + 7) >> 3);
}
