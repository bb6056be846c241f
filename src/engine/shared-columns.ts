import type { HealthState } from './destination.js';

const STATES: readonly HealthState[] = ['inactive', 'active', 'probing'];

/** Words before the columns of a set: lock, version of the states, position last chosen, then the tables of slots. */
const HEAD = 11;
const LOCK = 0;
const VERSION = 1;
const LAST = 2;
const SLOTS = 3;
/** Attempts to get the lock before the thread sleeps between two of them. */
const SPINS = 2000;
/** Sleeps after which the lock is taken from its holder: it was stopped or killed, since nobody holds it for longer than a selection. */
const MOST_SLEEPS = 400;
const SLEEP_MS = 0.5;

const cell = new Int32Array(new SharedArrayBuffer(4));

/** Words of memory that the columns of a set take. */
export function wordsOf(destinations: number): number {
  return HEAD + 3 * destinations;
}

/**
 * What selections in one set share with other processes: the position last chosen, round robin counts, hits and states, in memory
 * that all of them map. One process writes the states; whoever selects does so alone, between `enter` and `leave`.
 */
export class SharedColumns {
  /** Round robin counts by position. */
  readonly taken: Int32Array;
  /** Selections by position. */
  readonly hits: Uint32Array;
  /** What the tables of slots are made from, and where they stand, four words each: all zero until one is made. */
  readonly slots: Int32Array;
  /** Numbers of states: STATES. */
  private readonly states: Int32Array;
  private readonly head: Int32Array;
  private depth = 0;
  private seen = -1;

  /** `owner`: a number above 0 of its own for each process. */
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
  }

  /** Waits until no other process selects. Within itself it may be called again. */
  enter(): void {
    if (this.depth++ > 0) return;
    const { head, owner } = this;
    for (let spins = 0; Atomics.compareExchange(head, LOCK, 0, owner) !== 0; spins++) {
      if (spins < SPINS) continue;
      if (spins === SPINS + MOST_SLEEPS) {
        Atomics.store(head, LOCK, owner);
        return;
      }
      Atomics.wait(cell, 0, 0, SLEEP_MS);
    }
  }

  /** Releases the lock of the set, when as often as it was taken. */
  leave(): void {
    if (--this.depth === 0) Atomics.compareExchange(this.head, LOCK, this.owner, 0);
  }

  /** Number of the process that holds the lock; 0: none does. */
  get holder(): number {
    return Atomics.load(this.head, LOCK);
  }

  /** The process with this number has ended: it selects no longer. */
  release(owner: number): void {
    Atomics.compareExchange(this.head, LOCK, owner, 0);
  }

  /** The position last chosen. */
  get last(): number {
    return Atomics.load(this.head, LAST);
  }

  set last(position: number) {
    Atomics.store(this.head, LAST, position);
  }

  /** Whether states have changed since `see`. */
  get isStale(): boolean {
    return Atomics.load(this.head, VERSION) !== this.seen;
  }

  /** The states are read from now on: later changes make them stale. */
  see(): void {
    this.seen = Atomics.load(this.head, VERSION);
  }

  /** State of the destination at a position. */
  state(position: number): HealthState {
    return STATES[this.states[position] as number] ?? 'inactive';
  }

  /** Sets it, for all processes. */
  setState(position: number, state: HealthState): void {
    this.states[position] = STATES.indexOf(state);
  }

  /** The states that were set hold from now on. */
  publish(): void {
    Atomics.add(this.head, VERSION, 1);
  }
}
