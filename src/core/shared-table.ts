import type { KeptValue, ValueMap } from './value-map.js';

/** What has the entries of several tables. Times are monotonic milliseconds; 0 stands for no entry, and for an entry that does not expire. */
export interface EntryStore {
  /** Runs something while no other process reads or changes anything. */
  alone<R>(run: () => R): R;
  /** The entry of a key; 0 where there is none. */
  find(table: number, key: string): number;
  key(at: number): string;
  value(at: number): KeptValue;
  /** When an entry expires. */
  expires(at: number): number;
  /** The oldest entry of a table, and the one after another. */
  first(table: number): number;
  after(at: number): number;
  /** The number of an entry: they grow along a table. */
  sequence(at: number): number;
  /** The largest of them so far. */
  newest(): number;
  /** Changes when memory was ordered anew: positions from before say nothing then. */
  ordered(): number;
  /** Whether an entry is still there, by a position from since then. */
  isEntry(at: number, table: number, sequence: number): boolean;
  /** Number of entries. */
  count(table: number): number;
  /** Sets an entry; false where there is no room. */
  put(table: number, key: string, value: KeptValue, expires: number): boolean;
  /** Takes out an entry. */
  remove(at: number): void;
}

/** Entries that a walk looks at while it holds the lock. */
const PART = 128;

/** One table of a store; `table` is what the store knows it by, `most` how many entries it may have. */
export class SharedTable implements ValueMap<KeptValue> {
  constructor(
    private readonly store: EntryStore,
    private readonly table: number,
    private readonly most: number,
  ) {}

  get(key: string, now: number): KeptValue | undefined {
    return this.alone(() => {
      const at = this.present(key, now);
      return at === 0 ? undefined : this.store.value(at);
    });
  }

  expiresAt(key: string, now: number): number | undefined {
    return this.alone(() => {
      const at = this.present(key, now);
      return at === 0 ? undefined : this.store.expires(at) || undefined;
    });
  }

  set(key: string, value: KeptValue, expires: number | undefined): boolean {
    const { store, table, most } = this;
    return this.alone(() => {
      if (store.count(table) >= most && store.find(table, key) === 0) store.remove(store.first(table));
      return store.put(table, key, value, expires ?? 0);
    });
  }

  delete(key: string): void {
    this.alone(() => {
      const at = this.store.find(this.table, key);
      if (at !== 0) this.store.remove(at);
    });
  }

  clear(): void {
    this.visit((at) => this.store.remove(at));
  }

  *entries(now: number): Generator<readonly [string, KeptValue]> {
    const { store } = this;
    for (const part of this.walk((at) => (this.hasExpired(at, now) ? undefined : entryOf(store, at)))) yield* part;
  }

  *listed(): Generator<readonly [string, KeptValue, number | undefined]> {
    const { store } = this;
    const look = (at: number) => [...entryOf(store, at), store.expires(at) || undefined] as const;
    for (const part of this.walk(look)) yield* part;
  }

  get size(): number {
    return this.store.count(this.table);
  }

  expired(now: number, most = Number.POSITIVE_INFINITY): (readonly [string, KeptValue])[] {
    const { store } = this;
    const found: (readonly [string, KeptValue])[] = [];
    const take = (at: number): void => {
      if (found.length >= most || !this.hasExpired(at, now)) return;
      found.push(entryOf(store, at));
      store.remove(at);
    };
    for (const _part of this.walk(take)) if (found.length >= most) break;
    return found;
  }

  alone<R>(run: () => R): R {
    return this.store.alone(run);
  }

  private visit(look: (at: number) => void): void {
    for (const _part of this.walk(look));
  }

  /**
   * What is seen at the entries that are there when the walk begins, in parts: other processes read and change the table between two of
   * them. An entry that is removed meanwhile is seen or not, none twice.
   */
  private *walk<T>(look: (at: number) => T | undefined): Generator<readonly T[]> {
    const { store, table } = this;
    /** Where the last part was, the newest last: from one that is still there the walk goes on. */
    let visited: (readonly [at: number, sequence: number])[] = [];
    let end = -1;
    let ordered = -1;
    let last = -1;
    for (let isWhole = false; !isWhole; ) {
      const found: T[] = [];
      this.alone(() => {
        if (end < 0) end = store.newest();
        const known =
          ordered === store.ordered()
            ? visited.findLast(([at, number]) => store.isEntry(at, table, number))
            : undefined;
        ordered = store.ordered();
        visited = [];
        let at = known === undefined ? store.first(table) : store.after(known[0]);
        for (let looks = 0; at !== 0 && looks < PART; ) {
          const sequence = store.sequence(at);
          if (sequence > end) break;
          const next = store.after(at);
          // Those before were looked at.
          if (sequence > last) {
            looks++;
            last = sequence;
            visited.push([at, sequence]);
            const seen = look(at);
            if (seen !== undefined) found.push(seen);
          }
          at = next;
        }
        isWhole = at === 0 || store.sequence(at) > end;
      });
      yield found;
    }
  }

  private present(key: string, now: number): number {
    const at = this.store.find(this.table, key);
    return at !== 0 && this.hasExpired(at, now) ? 0 : at;
  }

  private hasExpired(at: number, now: number): boolean {
    const expires = this.store.expires(at);
    return expires !== 0 && expires <= now;
  }
}

function entryOf(store: EntryStore, at: number): readonly [string, KeptValue] {
  return [store.key(at), store.value(at)];
}
