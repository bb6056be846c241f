/** Collects items and sends them together: one write for all of an event loop iteration. */
export class Outbox<Item> {
  private items: Item[] = [];
  private scheduled = false;

  constructor(
    /** Sends a list. Never throws. */
    private readonly send: (items: readonly Item[]) => void,
  ) {}

  add(item: Item): void {
    this.items.push(item);
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(this.flush);
  }

  /** Sends what there is at once. */
  readonly flush = (): void => {
    this.scheduled = false;
    if (this.items.length === 0) return;
    const { items } = this;
    this.items = [];
    this.send(items);
  };
}
