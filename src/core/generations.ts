/**
 * A map with two generations of entries. New entries go into the newer one; when it is full, the older one is dropped
 * and a new one begins. So at least as many entries as a generation has are kept, and at most twice as many, without a
 * loop over all of them.
 */
export class Generations<K, V> {
  private newer = new Map<K, V>();
  private older = new Map<K, V>();

  /** `size`: entries of a generation; when there are so many, the next one begins. */
  constructor(private readonly size: number) {}

  /** Whether there is an entry with this key. */
  has(key: K): boolean {
    return this.newer.has(key) || this.older.has(key);
  }

  /** Adds an entry, or makes it one of the newest. Returns whether a new generation began. */
  set(key: K, value: V): boolean {
    const begins = this.newer.size >= this.size;
    if (begins) this.begin();
    this.newer.set(key, value);
    return begins;
  }

  /** Removes an entry and returns it; undefined when there is none. */
  take(key: K): V | undefined {
    const value = this.newer.get(key) ?? this.older.get(key);
    this.newer.delete(key);
    this.older.delete(key);
    return value;
  }

  /** Begins the next generation: the entries of the older one are dropped. */
  begin(): void {
    this.older = this.newer;
    this.newer = new Map();
  }
}
