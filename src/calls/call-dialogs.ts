/** Entries there is room for at first, a power of two; few, so that calls by which a daemon warms up make it grow. */
const LEAST = 8;
const NONE = -1;
/** An entry: the two halves of its key, and its slot plus one; 0 where there is none. */
const WIDTH = 3;
/** What is known of a slot: the halves of its key, its neighbours in age plus one, and a number of its own. */
const SPAN = 5;

/**
 * Slots of answered calls by the 64 bits of their key, oldest first. Arrays of numbers only: nothing is allocated for a call, and the
 * garbage collector sees none of them.
 */
export class CallDialogs {
  private entries = new Int32Array(LEAST * WIDTH);
  private mask = LEAST - 1;
  private count = 0;
  private bySlot = new Int32Array(SPAN * LEAST);
  private first = NONE;
  private last = NONE;

  /** How many it holds. */
  get size(): number {
    return this.count;
  }

  /** The slot that has been here longest; -1 when there is none. */
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

  /** The number a slot was added with. */
  own(slot: number): number {
    return this.bySlot[SPAN * slot + 4] as number;
  }

  /** Adds a slot under a key that is not here, with a number of its own. */
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

  /** Removes a slot that is here. */
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

  /** Takes an entry out, and moves those after it that would not be found any more. */
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
