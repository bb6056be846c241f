/** A binary heap that returns the item with the smallest `order` first. */
export class ReadyHeap<T> {
  private readonly items: T[] = [];

  constructor(private readonly order: (item: T) => number) {}

  /** Number of items. */
  get size(): number {
    return this.items.length;
  }

  /** Adds an item: O(log n). */
  push(item: T): void {
    const { items, order } = this;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (order(items[parent] as T) <= order(item)) break;
      items[at] = items[parent] as T;
      at = parent;
    }
    items[at] = item;
  }

  /** Removes and returns the item with the smallest order; undefined when empty. */
  pop(): T | undefined {
    const { items, order } = this;
    const first = items[0];
    const last = items.pop();
    if (first === undefined || last === undefined || items.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && order(items[child + 1] as T) < order(items[child] as T)) child++;
      if (order(items[child] as T) >= order(last)) break;
      items[at] = items[child] as T;
      at = child;
    }
    items[at] = last;
    return first;
  }

  /** Removes all items. */
  clear(): void {
    this.items.length = 0;
  }
}
