import type { KeptValue, ValueMap } from './value-map.js';

/**
 * Stores the entries of several tables. Times are monotonic milliseconds; 0 means no entry, or an entry that does not
 * expire.
 */
export interface EntryStore {
  /** Runs a function while no other process reads or changes anything. */
  alone<R>(run: () => R): R;
  /** The entry of a key; 0 where there is none. */
  find(table: number, key: string): number;
  key(at: number): string;
  value(at: number): KeptValue;
  /** When an entry expires. */
  expires(at: number): number;
  /** The first (oldest) entry of a table, and the entry after a given one. */
  first(table: number): number;
  after(at: number): number;
  /** Sequence number of an entry; it grows along a table. */
  sequence(at: number): number;
  /** The largest sequence number so far. */
  newest(): number;
  /** Changes when the memory is reorganised, after which earlier positions are meaningless. */
  ordered(): number;
  /** Whether an entry found before still exists, if the memory was not reorganised since. */
  isEntry(at: number, table: number, sequence: number): boolean;
  /** Number of entries. */
  count(table: number): number;
  /** Sets an entry; false when there is no room. */
  put(table: number, key: string, value: KeptValue, expires: number): boolean;
  /** Removes an entry. */
  remove(at: number): void;
}

/** Entries that a loop examines while it holds the lock. */
const PART = 128;

/** One table of a store; `table`: its number there; `max`: most entries. */
export class SharedTable implements ValueMap<KeptValue> {
  constructor(
    private readonly store: EntryStore,
    private readonly table: number,
    private readonly max: number,
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
    const { store, table, max } = this;
    return this.alone(() => {
      if (store.count(table) >= max && store.find(table, key) === 0) store.remove(store.first(table));
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

  expired(now: number, max = Number.POSITIVE_INFINITY): (readonly [string, KeptValue])[] {
    const { store } = this;
    const found: (readonly [string, KeptValue])[] = [];
    const take = (at: number): void => {
      if (found.length >= max || !this.hasExpired(at, now)) return;
      found.push(entryOf(store, at));
      store.remove(at);
    };
    for (const _part of this.walk(take)) if (found.length >= max) break;
    return found;
  }

  alone<R>(run: () => R): R {
    return this.store.alone(run);
  }

  private visit(look: (at: number) => void): void {
    for (const _part of this.walk(look));
  }

  /**
   * Visits the entries that exist at the beginning, in parts; between two parts, other processes may read and change
   * the table. An entry removed meanwhile may be visited or not; none is visited twice.
   */
  private *walk<T>(look: (at: number) => T | undefined): Generator<readonly T[]> {
    const { store, table } = this;
    /** The entries of the last part, newest last: the loop continues after one that still exists. */
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
          // Entries with smaller numbers have been visited already.
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
