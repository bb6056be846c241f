import { type Adder, OwnedEntries, type OwnedEntry } from './owned-entries.js';

interface Entry<T> {
  readonly value: T;
  /** When the value was set, in milliseconds of a monotonic clock. */
  readonly at: number;
  readonly size: number;
  readonly owned: OwnedEntry | undefined;
}

/**
 * A map whose values all have the same lifetime. It is bounded in number and in size; what was set first is removed
 * first. Near that, a source that holds more than its share displaces its own entries only. Each call takes constant
 * time on average, since the oldest values are at the beginning of the order.
 */
export class AgedMap<T> {
  private readonly map = new Map<string, Entry<T>>();
  /** Iterates over the keys in the order in which they were set; it is replaced by a new iterator only at its end. */
  private cursor = this.map.keys();
  private head: { readonly key: string; readonly entry: Entry<T> } | undefined = undefined;
  private total = 0;
  private readonly owned: OwnedEntries | undefined;

  /**
   * `lifetime` in milliseconds; `maxSize`: limit for the sum of the sizes given to `set`; `table`: its name in the log
   * and in metrics, if peers fill it.
   */
  constructor(
    readonly lifetime: number,
    private readonly max: number,
    private readonly maxSize: number,
    table?: string,
  ) {
    this.owned = table === undefined ? undefined : new OwnedEntries(table, max, maxSize);
  }

  /** Number of entries, including expired ones that are still there. */
  get count(): number {
    return this.map.size;
  }

  /** The sum of the sizes of all entries. */
  get size(): number {
    return this.total;
  }

  /** The value of a key that has not expired; else undefined. */
  get(key: string, now: number): T | undefined {
    const entry = this.map.get(key);
    return entry === undefined || now - entry.at >= this.lifetime ? undefined : entry.value;
  }

  /** Sets a value, which becomes the newest. `by`: the source for which it is kept. */
  set(key: string, value: T, size: number, now: number, by?: Adder): void {
    this.delete(key);
    if (by !== undefined) this.owned?.makeRoom(by, (oldest) => this.delete(oldest));
    const owned = this.owned?.add(key, by?.source, this.owned.amountOf(size));
    this.map.set(key, { value, at: now, size, owned });
    this.total += size;
    for (let oldest = this.oldest(); oldest !== undefined; oldest = this.oldest()) {
      const full = this.map.size > this.max || this.total > this.maxSize;
      if (!full && now - oldest.entry.at < this.lifetime) break;
      this.delete(oldest.key);
    }
  }

  /** Removes a value, if there is one. */
  delete(key: string): void {
    const entry = this.map.get(key);
    if (entry === undefined) return;
    this.map.delete(key);
    this.total -= entry.size;
    if (entry.owned !== undefined) this.owned?.remove(entry.owned);
  }

  /** The entries that have not expired, in the order in which they were set. */
  *entries(now: number): Generator<readonly [key: string, value: T, at: number, size: number]> {
    for (const [key, { value, at, size }] of this.map) if (now - at < this.lifetime) yield [key, value, at, size];
  }

  private oldest(): { readonly key: string; readonly entry: Entry<T> } | undefined {
    for (let renewed = false; ; ) {
      // A key that was set again has moved to the end.
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
