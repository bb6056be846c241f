import type { RecordStore } from './record-store.js';

/**
 * A ring of the newest records, bounded in number and in bytes of request texts. When a record leaves the ring, the
 * store may free its slot.
 */
export class SlotRing {
  private readonly slots: Int32Array;
  /** Index of the next free position, index of the oldest record, and number of records. */
  private next = 0;
  private first = 0;
  private size = 0;
  private bytes = 0;

  constructor(
    private readonly store: RecordStore,
    private readonly limit: number,
    private readonly maxBytes: number,
  ) {
    this.slots = new Int32Array(limit);
  }

  /** Adds a record. With very small bounds it leaves again at once. */
  add(slot: number): void {
    const { store, limit } = this;
    if (limit === 0) {
      store.unlist(slot);
      return;
    }
    if (this.size === limit) this.drop();
    this.slots[this.next] = slot;
    this.next = this.next + 1 === limit ? 0 : this.next + 1;
    this.size++;
    this.bytes += store.list(slot);
    while (this.bytes > this.maxBytes && this.size > 1) this.drop();
  }

  /** The slots, oldest first. */
  *items(): Generator<number> {
    const { first, size, limit } = this;
    for (let i = 0; i < size; i++) yield this.slots[(first + i) % limit] as number;
  }

  private drop(): void {
    const slot = this.slots[this.first] as number;
    this.first = this.first + 1 === this.limit ? 0 : this.first + 1;
    this.size--;
    this.bytes -= this.store.unlist(slot);
  }
}
