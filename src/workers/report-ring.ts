import { RING_WORDS, ringAt, ringHeadOf } from './shared-layout.js';

/** Words of the head, each in a cache line of its own: one side writes what the other reads. */
const WRITTEN = 0;
const READ = 16;
const ASLEEP = 32;

/** Words before what a record holds: how many it has with them, and its kind; a time follows at an even word. */
const RECORD_HEAD = 2;
/** The kind of what fills the ring up to its end. */
const FILLER = 0;

/**
 * Records from one worker to the brain, in memory that both map: the one writes, the other reads, and nobody waits. A record has a
 * kind, words, and octets after them. Positions grow for ever, modulo 2^32.
 */
export class ReportRing {
  /** The memory of the ring, word by word, as doubles (at even words) and octet by octet. */
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

  /** Whether a record of so many octets fits into the ring at all: it is to lie in one piece wherever the ring's end is. */
  static fits(octets: number): boolean {
    return octets <= 2 * RING_WORDS - 64;
  }

  /** Begins a record of a kind, for so many octets at most; where what it holds begins, in words. -1: there is no room now. */
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
    // It is to lie in one piece: at the start of the ring.
    if (free < left + size) return -1;
    words[at] = left;
    words[at + 1] = FILLER;
    words[1] = kind;
    Atomics.store(head, WRITTEN, (written + left) | 0);
    return RECORD_HEAD;
  }

  /** The record that begins at `at`, and has so many octets, may be read. Returns whether the reader is to be woken for it. */
  end(at: number, octets: number): boolean {
    const { head, words } = this;
    const size = sizeFor(octets);
    words[at - RECORD_HEAD] = size;
    Atomics.store(head, WRITTEN, ((head[WRITTEN] as number) + size) | 0);
    return this.wakes();
  }

  /** Whether the reader does not look at the ring, and nobody has woken it. */
  wakes(): boolean {
    return Atomics.load(this.head, ASLEEP) === 1 && Atomics.compareExchange(this.head, ASLEEP, 1, 0) === 1;
  }

  /**
   * Passes the records that were written so far, by their kind and where they begin, to `receive`, which must not throw. Returns how
   * many. Throws when what stands there is no record; nothing of it is read then.
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

  /** The reader looks at the ring no longer, and is to be woken; or it does. */
  sleep(asleep: boolean): void {
    Atomics.store(this.head, ASLEEP, asleep ? 1 : 0);
  }

  /** Another writer begins. */
  clear(): void {
    Atomics.store(this.head, WRITTEN, 0);
    Atomics.store(this.head, READ, 0);
  }
}

/** Words of a record with so many octets: an even number, so that the next one's doubles can be read. */
function sizeFor(octets: number): number {
  return RECORD_HEAD + 2 * ((octets + 7) >> 3);
}
