/**
 * Collects items that somebody waits for, and sends them together at the end of the event loop iteration: a write wakes the other
 * process, which costs more than what is in it.
 */
export class Outbox<Item> {
  private items: Item[] = [];

  constructor(
    /** Sends a list. Never throws. */
    private readonly send: (items: readonly Item[]) => void,
  ) {}

  /** Adds an item, which is sent at the end of the event loop iteration. */
  add(item: Item): void {
    if (this.items.push(item) === 1) setImmediate(this.flush);
  }

  /** Sends what there is at once. */
  readonly flush = (): void => {
    if (this.items.length === 0) return;
    const { items } = this;
    this.items = [];
    this.send(items);
  };
}
