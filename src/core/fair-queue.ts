import { Queue } from './queue.js';

/** A queue of several sources, of which each gets one entry out in rotation: one that adds many delays only its own. */
export class FairQueue<T> {
  private readonly bySource = new Map<string, Queue<T>>();
  /** Which source is next: a new iterator would skip all removed ones each time. */
  private cursor = this.bySource.entries();
  private count = 0;

  /** Number of entries. */
  get length(): number {
    return this.count;
  }

  /** Appends an entry to those of its source. */
  push(source: string, entry: T): void {
    let queue = this.bySource.get(source);
    if (queue === undefined) this.bySource.set(source, (queue = new Queue<T>()));
    queue.push(entry);
    this.count++;
  }

  /** Removes and returns the first entry of the next source; undefined when there is none. */
  shift(): T | undefined {
    if (this.count === 0) return undefined;
    let next = this.cursor.next();
    if (next.done === true) {
      this.cursor = this.bySource.entries();
      next = this.cursor.next();
    }
    if (next.done === true) return undefined;
    const [source, queue] = next.value;
    const entry = queue.shift();
    this.bySource.delete(source);
    if (queue.length > 0) this.bySource.set(source, queue);
    this.count--;
    return entry;
  }
}
