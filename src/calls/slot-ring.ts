import type { RecordStore } from './record-store.js';

/** The newest records, bounded in number and in the bytes of their requests; each leaves its slot to the store when it leaves. */
export class SlotRing {
  private readonly slots: Int32Array;
  /** Where the next one goes, where the oldest is, and how many there are. */
  private next = 0;
  private first = 0;
  private size = 0;
  private bytes = 0;

  constructor(
    private readonly store: RecordStore,
    private readonly limit: number,
    private readonly mostBytes: number,
  ) {
    this.slots = new Int32Array(limit);
  }

  /** Takes a record in; it may leave at once. */
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
    while (this.bytes > this.mostBytes && this.size > 1) this.drop();
  }

  /** Oldest first. */
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
