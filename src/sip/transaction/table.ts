/**
 * Entry of a table. Its key is two 32-bit numbers; `keyA` must be well mixed or ascending. Only the table sets the
 * links.
 */
export interface TableEntry<T> {
  readonly keyA: number;
  readonly keyB: number;
  /** @internal */ nextInTable: T | undefined;
}

/** Small at first, for the same reason as in `Remnants`. */
const MIN_BUCKETS = 4;

/**
 * A hash table that grows and shrinks by one bucket at a time (linear hashing, Litwin 1980), so that no call waits
 * while a hundred thousand entries are moved. Entries contain their own links, so nothing is allocated.
 */
export class TransactionTable<T extends TableEntry<T>> {
  private readonly buckets: (T | undefined)[] = new Array<T | undefined>(MIN_BUCKETS).fill(undefined);
  /** Buckets of the current round, a power of two; those below `split` have been split already. */
  private round = MIN_BUCKETS;
  private split = 0;
  private entries = 0;

  /** Number of entries. */
  get size(): number {
    return this.entries;
  }

  /** The entry with these keys. */
  find(keyA: number, keyB: number): T | undefined {
    let entry = this.buckets[this.bucketOf(keyA)];
    while (entry !== undefined && (entry.keyA !== keyA || entry.keyB !== keyB)) entry = entry.nextInTable;
    return entry;
  }

  /** Adds an entry. It hides an earlier one with the same keys until it is removed. */
  add(entry: T): void {
    const bucket = this.bucketOf(entry.keyA);
    entry.nextInTable = this.buckets[bucket];
    this.buckets[bucket] = entry;
    if (++this.entries > this.buckets.length) this.grow();
  }

  /** Removes an entry; no effect when it is not in the table. */
  remove(entry: T): void {
    const bucket = this.bucketOf(entry.keyA);
    let at = this.buckets[bucket];
    if (at === entry) {
      this.buckets[bucket] = entry.nextInTable;
    } else {
      while (at !== undefined && at.nextInTable !== entry) at = at.nextInTable;
      if (at === undefined) return;
      at.nextInTable = entry.nextInTable;
    }
    entry.nextInTable = undefined;
    this.entries--;
    if (this.buckets.length > MIN_BUCKETS && this.entries < this.buckets.length >> 2) this.shrink();
  }

  /** All entries, in any order. The table must not change during the iteration. */
  *values(): Generator<T> {
    for (const head of this.buckets) {
      for (let entry = head; entry !== undefined; entry = entry.nextInTable) yield entry;
    }
  }

  /** Removes all entries. */
  clear(): void {
    this.buckets.length = 0;
    for (let i = 0; i < MIN_BUCKETS; i++) this.buckets.push(undefined);
    this.round = MIN_BUCKETS;
    this.split = 0;
    this.entries = 0;
  }

  private bucketOf(keyA: number): number {
    const bucket = keyA & (this.round - 1);
    return bucket < this.split ? keyA & (2 * this.round - 1) : bucket;
  }

  /** Splits the next bucket. */
  private grow(): void {
    let entry = this.buckets[this.split];
    let low: T | undefined;
    let high: T | undefined;
    while (entry !== undefined) {
      const next: T | undefined = entry.nextInTable;
      if ((entry.keyA & this.round) === 0) {
        entry.nextInTable = low;
        low = entry;
      } else {
        entry.nextInTable = high;
        high = entry;
      }
      entry = next;
    }
    this.buckets[this.split] = low;
    this.buckets.push(high);
    if (++this.split === this.round) {
      this.round *= 2;
      this.split = 0;
    }
  }

  /** Merges the bucket that was split last. */
  private shrink(): void {
    if (this.split === 0) {
      this.round /= 2;
      this.split = this.round;
    }
    this.split--;
    let entry = this.buckets.pop();
    while (entry !== undefined) {
      const next: T | undefined = entry.nextInTable;
      entry.nextInTable = this.buckets[this.split];
      this.buckets[this.split] = entry;
      entry = next;
    }
  }
}
