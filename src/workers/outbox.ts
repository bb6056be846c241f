/**
 * Characters of messages that may wait for the other process, which must not cost this one its memory while it is
 * blocked.
 */
const MAX_CHARACTERS = 16 * 1024 * 1024;

/**
 * Collects items that the other process waits for, and sends them together at the end of the event loop iteration:
 * waking it costs more than handling an item.
 */
export class ItemQueue<Item> {
  private items: Item[] = [];
  /** Characters of the messages in the queue, and of those that the other process has not received. */
  private characters = 0;
  private underWay = 0;

  constructor(
    /** Sends a list, and calls `taken` when the other process has it or never will. Never throws. */
    private readonly send: (items: readonly Item[], taken: () => void) => void,
  ) {}

  /** Adds an item, which is sent at the end of the event loop iteration. */
  add(item: Item): void {
    if (this.items.push(item) === 1) setImmediate(this.flush);
  }

  /**
   * Adds an item with a message of so many characters, which may be lost like any datagram. Returns false when it was
   * not added because too much is waiting.
   */
  addMessage(item: Item, characters: number): boolean {
    if (this.characters + this.underWay + characters > MAX_CHARACTERS) return false;
    this.characters += characters;
    this.add(item);
    return true;
  }

  /** Sends the queued items at once. */
  readonly flush = (): void => {
    if (this.items.length === 0) return;
    const { items, characters } = this;
    this.items = [];
    this.characters = 0;
    this.underWay += characters;
    this.send(items, () => {
      this.underWay -= characters;
    });
  };
}
