interface Entry<T> {
  readonly value: T;
  /** When it was set, in milliseconds of a monotonic clock. */
  readonly at: number;
  readonly size: number;
}

/**
 * Values by key, each of which is kept for the same time. Bounded in number and in size: what was set first goes first. Each call takes
 * constant time, spread over the calls: what is old is found where the order of setting begins.
 */
export class AgedMap<T> {
  private readonly map = new Map<string, Entry<T>>();
  /** Goes through the keys in the order in which they were set, and never begins again while there are more. */
  private cursor = this.map.keys();
  private head: { readonly key: string; readonly entry: Entry<T> } | undefined = undefined;
  private total = 0;

  /** `lifetime` is in milliseconds; `mostSize` bounds the sum of the sizes that `set` is given. */
  constructor(
    readonly lifetime: number,
    private readonly most: number,
    private readonly mostSize: number,
  ) {}

  /** Entries, also those that have expired and are not taken out yet. */
  get count(): number {
    return this.map.size;
  }

  /** The sum of their sizes. */
  get size(): number {
    return this.total;
  }

  /** A value that has not expired. */
  get(key: string, now: number): T | undefined {
    const entry = this.map.get(key);
    return entry === undefined || now - entry.at >= this.lifetime ? undefined : entry.value;
  }

  /** Sets a value, which is the newest from then on. */
  set(key: string, value: T, size: number, now: number): void {
    this.delete(key);
    this.map.set(key, { value, at: now, size });
    this.total += size;
    for (let oldest = this.oldest(); oldest !== undefined; oldest = this.oldest()) {
      const full = this.map.size > this.most || this.total > this.mostSize;
      if (!full && now - oldest.entry.at < this.lifetime) break;
      this.delete(oldest.key);
    }
  }

  /** Takes a value out, if there is one. */
  delete(key: string): void {
    const entry = this.map.get(key);
    if (entry === undefined) return;
    this.map.delete(key);
    this.total -= entry.size;
  }

  /** What has not expired, in the order of setting. */
  *entries(now: number): Generator<readonly [key: string, value: T, at: number, size: number]> {
    for (const [key, { value, at, size }] of this.map) if (now - at < this.lifetime) yield [key, value, at, size];
  }

  private oldest(): { readonly key: string; readonly entry: Entry<T> } | undefined {
    for (let renewed = false; ; ) {
      // A key that was set again stands after the others.
      if (this.head !== undefined && this.map.get(this.head.key) === this.head.entry) return this.head;
      const next = this.cursor.next();
      if (next.done !== true) {
        const entry = this.map.get(next.value);
        this.head = entry === undefined ? undefined : { key: next.value, entry };
        continue;
      }
      if (renewed) return undefined;
      this.cursor = this.map.keys();
      renewed = true;
    }
  }
}
