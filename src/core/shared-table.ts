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
  /** Number of entries. */
  count(table: number): number;
  /** Sets an entry; false where there is no room. */
  put(table: number, key: string, value: KeptValue, expires: number): boolean;
  /** Takes out an entry. */
  remove(at: number): void;
}

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
    this.alone(() => {
      for (let at = this.store.first(this.table); at !== 0; at = this.store.first(this.table)) this.store.remove(at);
    });
  }

  entries(now: number): (readonly [string, KeptValue])[] {
    return this.alone(() => {
      const found: (readonly [string, KeptValue])[] = [];
      for (let at = this.store.first(this.table); at !== 0; at = this.store.after(at)) {
        if (!this.hasExpired(at, now)) found.push([this.store.key(at), this.store.value(at)]);
      }
      return found;
    });
  }

  listed(): (readonly [string, KeptValue, number | undefined])[] {
    const { store } = this;
    return this.alone(() => {
      const found: (readonly [string, KeptValue, number | undefined])[] = [];
      for (let at = store.first(this.table); at !== 0; at = store.after(at)) {
        found.push([store.key(at), store.value(at), store.expires(at) || undefined]);
      }
      return found;
    });
  }

  get size(): number {
    return this.store.count(this.table);
  }

  expired(now: number, most = Number.POSITIVE_INFINITY): (readonly [string, KeptValue])[] {
    return this.alone(() => {
      const found: (readonly [string, KeptValue])[] = [];
      for (let at = this.store.first(this.table), next = 0; at !== 0 && found.length < most; at = next) {
        next = this.store.after(at);
        if (!this.hasExpired(at, now)) continue;
        found.push([this.store.key(at), this.store.value(at)]);
        this.store.remove(at);
      }
      return found;
    });
  }

  alone<R>(run: () => R): R {
    return this.store.alone(run);
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
