/**
 * Entries of the first table, a power of two. It is small so that the calls of a warm-up also run, and compile, the
 * code that enlarges it.
 */
const MIN_CAPACITY = 8;
const NONE = -1;
/** Numbers of an entry in the hash table: the two halves of the key, and slot + 1 (0: empty). */
const WIDTH = 3;
/**
 * Numbers kept for each slot: the two halves of the key, previous slot + 1 and next slot + 1 by age, and the number
 * given to `add`.
 */
const SPAN = 5;

/**
 * Answered calls: finds the slot of a call record by a 64-bit key, and keeps the slots in order of age. Everything is
 * in arrays of numbers, so that a call allocates nothing and the garbage collector has nothing to scan.
 */
export class CallDialogs {
  private entries = new Int32Array(MIN_CAPACITY * WIDTH);
  private mask = MIN_CAPACITY - 1;
  private count = 0;
  private bySlot = new Int32Array(SPAN * MIN_CAPACITY);
  private first = NONE;
  private last = NONE;

  /** How many slots the table has. */
  get size(): number {
    return this.count;
  }

  /** The slot added first; -1 when there is none. */
  get oldest(): number {
    return this.first;
  }

  /** The slot with this key; -1 when there is none. */
  find(a: number, b: number): number {
    const { entries, mask } = this;
    for (let at = b & mask; ; at = (at + 1) & mask) {
      const e = at * WIDTH;
      const slot = entries[e + 2] as number;
      if (slot === 0) return NONE;
      if (entries[e] === a && entries[e + 1] === b) return slot - 1;
    }
  }

  /** The number given when the slot was added. */
  own(slot: number): number {
    return this.bySlot[SPAN * slot + 4] as number;
  }

  /**
   * Adds a slot under a key that is not in the table, with a number of the caller's choice (the key of the caller's
   * tag).
   */
  add(slot: number, a: number, b: number, own: number): void {
    if (2 * (this.count + 1) > this.mask) this.grow();
    this.put(slot, a, b);
    this.count++;
    if (SPAN * slot >= this.bySlot.length) {
      const wider = new Int32Array(Math.max(2 * this.bySlot.length, SPAN * (slot + 1)));
      wider.set(this.bySlot);
      this.bySlot = wider;
    }
    const { bySlot, last } = this;
    bySlot[SPAN * slot] = a;
    bySlot[SPAN * slot + 1] = b;
    bySlot[SPAN * slot + 2] = last + 1;
    bySlot[SPAN * slot + 3] = 0;
    bySlot[SPAN * slot + 4] = own;
    if (last === NONE) this.first = slot;
    else bySlot[SPAN * last + 3] = slot + 1;
    this.last = slot;
  }

  /** Removes a slot that is in the table. */
  remove(slot: number): void {
    const { bySlot } = this;
    const [previous, next] = [(bySlot[SPAN * slot + 2] as number) - 1, (bySlot[SPAN * slot + 3] as number) - 1];
    if (previous === NONE) this.first = next;
    else bySlot[SPAN * previous + 3] = next + 1;
    if (next === NONE) this.last = previous;
    else bySlot[SPAN * next + 2] = previous + 1;
    this.count--;
    this.take(slot, bySlot[SPAN * slot + 1] as number);
  }

  private put(slot: number, a: number, b: number): void {
    const { entries, mask } = this;
    let at = b & mask;
    while (entries[at * WIDTH + 2] !== 0) at = (at + 1) & mask;
    entries[at * WIDTH] = a;
    entries[at * WIDTH + 1] = b;
    entries[at * WIDTH + 2] = slot + 1;
  }

  /** Removes an entry, and moves the entries after it that a search could not reach any more. */
  private take(slot: number, b: number): void {
    const { entries, mask } = this;
    let hole = b & mask;
    while (entries[hole * WIDTH + 2] !== slot + 1) hole = (hole + 1) & mask;
    for (let at = (hole + 1) & mask; entries[at * WIDTH + 2] !== 0; at = (at + 1) & mask) {
      const home = (entries[at * WIDTH + 1] as number) & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      entries.copyWithin(hole * WIDTH, at * WIDTH, (at + 1) * WIDTH);
      hole = at;
    }
    entries[hole * WIDTH + 2] = 0;
  }

  private grow(): void {
    const old = this.entries;
    this.mask = 2 * this.mask + 1;
    this.entries = new Int32Array((this.mask + 1) * WIDTH);
    for (let e = 0; e < old.length; e += WIDTH) {
      const slot = old[e + 2] as number;
      if (slot !== 0) this.put(slot - 1, old[e] as number, old[e + 1] as number);
    }
  }
}
