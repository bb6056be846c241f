import type { HealthState } from './destination.js';

const STATES: readonly HealthState[] = ['inactive', 'active', 'probing'];

/** Words before the columns of a set: lock, version of the states, last position, then the tables of slots. */
const HEAD = 11;
const LOCK = 0;
const VERSION = 1;
const LAST = 2;
const SLOTS = 3;
/** Attempts to get the lock before the thread sleeps between attempts. */
const SPINS = 2000;
/**
 * After so many sleeps the lock is taken from its holder, which must have been stopped or killed: a selection takes
 * much less time.
 */
const MAX_SLEEPS = 400;
const SLEEP_MS = 0.5;

const cell = new Int32Array(new SharedArrayBuffer(4));

/** Number of 32-bit words for the columns of a set. */
export function wordsOf(destinations: number): number {
  return HEAD + 4 * destinations;
}

/**
 * Data of one set in memory that several processes map: last position, round robin counts, hits and states. Only one
 * process writes the states. A process selects only between `enter` and `leave`, while no other process does.
 */
export class SharedColumns {
  /** Round robin counts by position. */
  readonly taken: Int32Array;
  /** Selections by position. */
  readonly hits: Uint32Array;
  /** Four words for each table of slots: what it is made from, and its next slot; zeros until it is made. */
  readonly slots: Int32Array;
  /** Number of each destination's counter of calls, by position. */
  readonly counters: Int32Array;
  /** The states, as indexes into STATES. */
  private readonly states: Int32Array;
  private readonly head: Int32Array;
  private depth = 0;
  private seen = -1;

  /** `owner`: a number above 0, different for each process. */
  constructor(
    memory: ArrayBufferLike,
    byteOffset: number,
    readonly size: number,
    private readonly owner: number,
  ) {
    const at = (words: number) => byteOffset + 4 * (HEAD + words);
    this.head = new Int32Array(memory, byteOffset, HEAD);
    this.slots = this.head.subarray(SLOTS);
    this.taken = new Int32Array(memory, at(0), size);
    this.hits = new Uint32Array(memory, at(size), size);
    this.states = new Int32Array(memory, at(2 * size), size);
    this.counters = new Int32Array(memory, at(3 * size), size);
  }

  /** Waits until no other process selects, and takes the lock. May be nested. */
  enter(): void {
    if (this.depth++ > 0) return;
    const { head, owner } = this;
    for (let spins = 0; Atomics.compareExchange(head, LOCK, 0, owner) !== 0; spins++) {
      if (spins < SPINS) continue;
      if (spins === SPINS + MAX_SLEEPS) {
        Atomics.store(head, LOCK, owner);
        return;
      }
      Atomics.wait(cell, 0, 0, SLEEP_MS);
    }
  }

  /** Releases the lock when called as often as `enter`. */
  leave(): void {
    if (--this.depth === 0) Atomics.compareExchange(this.head, LOCK, this.owner, 0);
  }

  /** Number of the process that holds the lock; 0: none. */
  get holder(): number {
    return Atomics.load(this.head, LOCK);
  }

  /** Releases the lock if this process holds it, which has ended. */
  release(owner: number): void {
    Atomics.compareExchange(this.head, LOCK, owner, 0);
  }

  /** The position chosen last. */
  get last(): number {
    return Atomics.load(this.head, LAST);
  }

  set last(position: number) {
    Atomics.store(this.head, LAST, position);
  }

  /** Whether states have changed since the last `see`. */
  get isStale(): boolean {
    return Atomics.load(this.head, VERSION) !== this.seen;
  }

  /** Notes the current version of the states; later changes make them stale. */
  see(): void {
    this.seen = Atomics.load(this.head, VERSION);
  }

  /** The state at a position. */
  state(position: number): HealthState {
    return STATES[this.states[position] as number] ?? 'inactive';
  }

  /** Sets the state at a position, for all processes. */
  setState(position: number, state: HealthState): void {
    this.states[position] = STATES.indexOf(state);
  }

  /** Makes the changed states visible to the other processes. */
  publish(): void {
    Atomics.add(this.head, VERSION, 1);
  }
}
