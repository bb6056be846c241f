/** Milliseconds an item waits that nobody waits for. */
const LATER_MS = 25;

/**
 * Collects items and sends them together. What somebody waits for goes at the end of the event loop iteration, with all that has been
 * collected; the rest within 25 ms: a write wakes the other process, which costs more than what is in it.
 */
export class Outbox<Item> {
  private items: Item[] = [];
  private isDue = false;
  private timer: NodeJS.Timeout | undefined = undefined;

  constructor(
    /** Sends a list. Never throws. */
    private readonly send: (items: readonly Item[]) => void,
    /** Called before what is due later is sent: may add to it. */
    private readonly closing: (() => void) | undefined = undefined,
  ) {}

  /** An item somebody waits for. */
  add(item: Item): void {
    this.items.push(item);
    if (this.isDue) return;
    this.isDue = true;
    setImmediate(this.flush);
  }

  /** An item nobody waits for. */
  addLater(item: Item): void {
    this.items.push(item);
    this.remind();
  }

  /** Something is to be said that `closing` adds. */
  remind(): void {
    this.timer ??= setTimeout(() => {
      this.closing?.();
      // What `closing` has added goes now, and calls for no further time.
      this.timer = undefined;
      this.isDue = true;
      this.flush();
    }, LATER_MS);
  }

  /** Sends what there is at once, if any of it is waited for. */
  readonly flush = (): void => {
    if (!this.isDue) return;
    this.isDue = false;
    if (this.items.length === 0) return;
    const { items } = this;
    this.items = [];
    this.send(items);
  };
}
