/**
 * Values by key in two generations: the newer one is filled, the older one is dropped as a whole when the newer takes its position. So the
 * newest entries are kept, at least as many as a generation holds and at most twice as many, without a walk over all of them.
 */
export class Generations<K, V> {
  private newer = new Map<K, V>();
  private older = new Map<K, V>();

  /** `size`: entries of a generation; the next one begins by itself when there are so many. */
  constructor(private readonly size: number) {}

  /** Whether there is an entry of this key. */
  has(key: K): boolean {
    return this.newer.has(key) || this.older.has(key);
  }

  /** Adds an entry, or makes it one of the newest. Returns whether a generation began with it. */
  set(key: K, value: V): boolean {
    const begins = this.newer.size >= this.size;
    if (begins) this.begin();
    this.newer.set(key, value);
    return begins;
  }

  /** Takes an entry out; undefined when there is none. */
  take(key: K): V | undefined {
    const value = this.newer.get(key) ?? this.older.get(key);
    this.newer.delete(key);
    this.older.delete(key);
    return value;
  }

  /** Begins the next generation: what is in the older one is forgotten. */
  begin(): void {
    this.older = this.newer;
    this.newer = new Map();
  }
}
