/** Number of removed entries after which the array is shortened. */
const SHORTEN_AT = 1024;

/**
 * A queue of any length. Removing the first entry takes constant time, while `shift` of a long array moves all the
 * others.
 */
export class Queue<T> {
  private entries: (T | undefined)[] = [];
  private first = 0;

  /** Number of entries. */
  get length(): number {
    return this.entries.length - this.first;
  }

  /** Appends an entry. */
  push(entry: T): void {
    this.entries.push(entry);
  }

  /** The first entry; it is not removed. */
  get head(): T | undefined {
    return this.entries[this.first];
  }

  /** Removes and returns the first entry; undefined when there is none. */
  shift(): T | undefined {
    if (this.first === this.entries.length) return undefined;
    const entry = this.entries[this.first];
    this.entries[this.first++] = undefined;
    // Copied when at least half of it is removed entries, so that an entry is moved once on average.
    if (this.first >= SHORTEN_AT && this.first * 2 >= this.entries.length) {
      this.entries = this.entries.slice(this.first);
      this.first = 0;
    }
    return entry;
  }

  /** The first entries, `count` at most; they are not removed. */
  peek(count: number): T[] {
    return this.entries.slice(this.first, this.first + count) as T[];
  }
}
