import { createHash, randomInt } from 'node:crypto';
import { SharedLock } from './shared-lock.js';
import type { KeptValue, ValueMap } from './value-map.js';

/** Words at the start: lock, whether a change is under way, where unused memory begins, what hashes begin with; then free blocks by size. */
const LOCK = 0;
const CHANGING = 1;
const UNUSED = 2;
const SEED = 3;
const FREE = 4;
const SMALLEST = 5;
const LARGEST = 22;
/** Then the tables: name, number of entries, first and last of them. */
const TABLES = 32;
const MOST_TABLES = 256;
const NAME_WORDS = 12;
const TABLE_WORDS = NAME_WORDS + 4;
const COUNT = NAME_WORDS;
const FIRST = NAME_WORDS + 1;
const LAST = NAME_WORDS + 2;
/** Then the entries by hash. */
const BUCKETS = TABLES + MOST_TABLES * TABLE_WORDS;
const MOST_BUCKETS = 32_768;
const BLOCKS = BUCKETS + MOST_BUCKETS;

/** Words of a block. The size stays what it is for ever; an entry counts from when it is marked as one. */
const SIZE = 0;
const USED = 1;
const TABLE = 2;
const HASH = 3;
const NEXT_OF_HASH = 4;
const BEFORE = 5;
const AFTER = 6;
const KIND = 7;
const EXPIRES = 8;
const NUMBER = 10;
const KEY_BYTES = 12;
const VALUE_BYTES = 13;
const TEXT = 14;

/** Kinds of values, and whether the characters of key or value take two bytes. */
const NOTHING = 0;
const A_NUMBER = 1;
const A_TEXT = 2;
const KINDS = 3;
const WIDE_KEY = 4;
const WIDE_VALUE = 8;

/** Bytes that a store has by default; touched as far as it is used. */
export const VALUES_BYTES = 128 * 1024 * 1024;

/**
 * Values by key in memory that several processes map: whoever changes them holds a lock. A process that dies while it changes
 * something leaves a mark, by which the next one orders everything anew from the entries; the entry it was writing is gone.
 */
export class SharedValues {
  private readonly words: Int32Array;
  private readonly doubles: Float64Array;
  private readonly bytes: Buffer;
  private readonly lock: SharedLock;
  private readonly end: number;
  /** Drawn by the first process: keys come from peers, who must not know which of them lead to one bucket. */
  private readonly seed: number;

  /** `memory` is zero before its first use; `now`: the milliseconds that entries expire by, the same in all processes. */
  constructor(
    memory: ArrayBufferLike,
    private readonly now: () => number,
    lock?: (words: Int32Array, at: number) => SharedLock,
  ) {
    this.words = new Int32Array(memory);
    this.doubles = new Float64Array(memory);
    this.bytes = Buffer.from(memory as ArrayBuffer);
    this.lock = lock?.(this.words, LOCK) ?? new SharedLock(this.words, LOCK);
    this.end = this.words.length;
    this.seed = this.alone(() => (this.words[SEED] ||= randomInt(1, 0x7fff_ffff)));
  }

  /** The table of that name, in which there are `most` entries at most. Throws an Error beyond 256 tables. */
  table(name: string, most: number): ValueMap<KeptValue> {
    return new SharedTable(
      this,
      this.alone(() => this.tableAt(name)),
      most,
    );
  }

  /** @internal Runs something while no other process reads or changes anything. */
  alone<R>(run: () => R): R {
    this.lock.enter();
    try {
      if (this.words[CHANGING] === 1) this.mend();
      return run();
    } finally {
      this.lock.leave();
    }
  }

  /** @internal The entry of a key; 0 where there is none. */
  find(table: number, key: string): number {
    const { words } = this;
    const hash = hashOf(this.seed ^ table, key);
    for (let at = words[bucketOf(hash)] as number; at !== 0; at = words[at + NEXT_OF_HASH] as number) {
      if (words[at + HASH] === hash && words[at + TABLE] === table && this.hasKey(at, key)) return at;
    }
    return 0;
  }

  /** @internal When an entry expires; 0: it does not. */
  expires(at: number): number {
    return this.doubles[(at + EXPIRES) >> 1] as number;
  }

  /** @internal */
  value(at: number): KeptValue {
    const { words } = this;
    const kind = words[at + KIND] as number;
    if ((kind & KINDS) === NOTHING) return null;
    if ((kind & KINDS) === A_NUMBER) return this.doubles[(at + NUMBER) >> 1] as number;
    const from = 4 * (at + TEXT) + (words[at + KEY_BYTES] as number);
    return this.text(from, words[at + VALUE_BYTES] as number, (kind & WIDE_VALUE) !== 0);
  }

  /** @internal */
  key(at: number): string {
    const { words } = this;
    return this.text(4 * (at + TEXT), words[at + KEY_BYTES] as number, ((words[at + KIND] as number) & WIDE_KEY) !== 0);
  }

  /** @internal The first entry of a table, and the one after another; 0 for none. */
  first(table: number): number {
    return this.words[table + FIRST] as number;
  }

  /** @internal */
  after(at: number): number {
    return this.words[at + AFTER] as number;
  }

  /** @internal */
  count(table: number): number {
    return this.words[table + COUNT] as number;
  }

  /** @internal Sets an entry; false where there is no room. */
  put(table: number, key: string, value: KeptValue, expires: number): boolean {
    const known = this.find(table, key);
    if (known !== 0 && typeof value !== 'string') {
      this.change(() => this.write(known, value, expires));
      return true;
    }
    const wide = { key: isWide(key), value: typeof value === 'string' && isWide(value) };
    const bytes = key.length << (wide.key ? 1 : 0);
    const more = typeof value === 'string' ? value.length << (wide.value ? 1 : 0) : 0;
    const power = Math.max(SMALLEST, Math.ceil(Math.log2(TEXT + Math.ceil((bytes + more) / 4))));
    let stored = false;
    this.change(() => {
      if (known !== 0) this.unlink(known);
      const at = this.take(power);
      if (at === 0) return;
      const { words } = this;
      words[at + TABLE] = table;
      words[at + HASH] = hashOf(this.seed ^ table, key);
      words[at + KEY_BYTES] = bytes;
      words[at + VALUE_BYTES] = more;
      words[at + KIND] = (wide.key ? WIDE_KEY : 0) | (wide.value ? WIDE_VALUE : 0);
      const text = 4 * (at + TEXT);
      this.bytes.write(key, text, wide.key ? 'utf16le' : 'latin1');
      if (typeof value === 'string') this.bytes.write(value, text + bytes, wide.value ? 'utf16le' : 'latin1');
      this.write(at, value, expires);
      words[at + USED] = 1;
      this.link(at);
      stored = true;
    });
    return stored;
  }

  /** @internal Takes out an entry. */
  remove(at: number): void {
    this.change(() => this.unlink(at));
  }

  /** @internal Takes out what has expired, of all tables. */
  sweep(): void {
    const now = this.now();
    this.change(() => {
      for (let i = 0; i < MOST_TABLES; i++) {
        for (let at = this.first(TABLES + i * TABLE_WORDS), next = 0; at !== 0; at = next) {
          next = this.after(at);
          const expires = this.expires(at);
          if (expires !== 0 && expires <= now) this.unlink(at);
        }
      }
    });
  }

  private write(at: number, value: KeptValue, expires: number): void {
    const { words, doubles } = this;
    doubles[(at + EXPIRES) >> 1] = expires;
    if (typeof value === 'number') doubles[(at + NUMBER) >> 1] = value;
    const kind = value === null ? NOTHING : typeof value === 'number' ? A_NUMBER : A_TEXT;
    words[at + KIND] = ((words[at + KIND] as number) & ~KINDS) | kind;
  }

  private change(run: () => void): void {
    Atomics.store(this.words, CHANGING, 1);
    run();
    Atomics.store(this.words, CHANGING, 0);
  }

  private hasKey(at: number, key: string): boolean {
    const { words, bytes } = this;
    const wide = ((words[at + KIND] as number) & WIDE_KEY) !== 0;
    if (words[at + KEY_BYTES] !== key.length << (wide ? 1 : 0)) return false;
    const from = 4 * (at + TEXT);
    for (let i = 0; i < key.length; i++) {
      const code = wide ? bytes.readUInt16LE(from + 2 * i) : bytes[from + i];
      if (code !== key.charCodeAt(i)) return false;
    }
    return true;
  }

  private text(from: number, length: number, wide: boolean): string {
    return this.bytes.toString(wide ? 'utf16le' : 'latin1', from, from + length);
  }

  /** A block of 2 to the power of so many words; 0 where there is no room. */
  private take(power: number): number {
    const { words } = this;
    if (power > LARGEST) return 0;
    const free = words[FREE + power] as number;
    if (free !== 0) {
      words[FREE + power] = words[free + AFTER] as number;
      return free;
    }
    const at = (words[UNUSED] as number) || BLOCKS;
    if (at + 2 ** power > this.end) return 0;
    words[at + SIZE] = power;
    words[UNUSED] = at + 2 ** power;
    return at;
  }

  private link(at: number): void {
    const { words } = this;
    const bucket = bucketOf(words[at + HASH] as number);
    words[at + NEXT_OF_HASH] = words[bucket] as number;
    words[bucket] = at;
    const table = words[at + TABLE] as number;
    const last = words[table + LAST] as number;
    words[at + BEFORE] = last;
    words[at + AFTER] = 0;
    words[last === 0 ? table + FIRST : last + AFTER] = at;
    words[table + LAST] = at;
    words[table + COUNT] = this.count(table) + 1;
  }

  private unlink(at: number): void {
    const { words } = this;
    words[at + USED] = 0;
    let link = bucketOf(words[at + HASH] as number);
    while (words[link] !== at) link = (words[link] as number) + NEXT_OF_HASH;
    words[link] = words[at + NEXT_OF_HASH] as number;
    const table = words[at + TABLE] as number;
    const [before, after] = [words[at + BEFORE] as number, words[at + AFTER] as number];
    words[before === 0 ? table + FIRST : before + AFTER] = after;
    words[after === 0 ? table + LAST : after + BEFORE] = before;
    words[table + COUNT] = this.count(table) - 1;
    this.give(at);
  }

  private give(at: number): void {
    const { words } = this;
    const list = FREE + (words[at + SIZE] as number);
    words[at + AFTER] = words[list] as number;
    words[list] = at;
  }

  /** Orders everything anew: a process has died while it changed something. */
  private mend(): void {
    const { words } = this;
    words.fill(0, FREE, TABLES);
    words.fill(0, BUCKETS, BLOCKS);
    for (let i = 0; i < MOST_TABLES; i++)
      words.fill(0, TABLES + i * TABLE_WORDS + COUNT, TABLES + (i + 1) * TABLE_WORDS);
    const end = words[UNUSED] as number;
    for (let at = BLOCKS; at < end; at += 2 ** (words[at + SIZE] as number)) {
      if (words[at + USED] === 1) this.link(at);
      else this.give(at);
    }
    Atomics.store(words, CHANGING, 0);
  }

  private tableAt(name: string): number {
    const kept = name.length < 4 * NAME_WORDS ? name : createHash('sha1').update(name).digest('hex');
    const padded = Buffer.alloc(4 * NAME_WORDS);
    padded.write(kept, 'latin1');
    for (let i = 0; i < MOST_TABLES; i++) {
      const at = TABLES + i * TABLE_WORDS;
      const own = this.bytes.subarray(4 * at, 4 * (at + NAME_WORDS));
      if (own.equals(padded)) return at;
      if (own[0] !== 0) continue;
      own.set(padded);
      return at;
    }
    throw new Error(`there are more than ${MOST_TABLES} tables in shared memory`);
  }
}

/** One table of a store. */
class SharedTable implements ValueMap<KeptValue> {
  constructor(
    private readonly store: SharedValues,
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
      if (store.put(table, key, value, expires ?? 0)) return true;
      store.sweep();
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

  expired(now: number): (readonly [string, KeptValue])[] {
    return this.alone(() => {
      const found: (readonly [string, KeptValue])[] = [];
      for (let at = this.store.first(this.table), next = 0; at !== 0; at = next) {
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

function bucketOf(hash: number): number {
  return BUCKETS + (hash & (MOST_BUCKETS - 1));
}

/** FNV-1a over the characters, begun with a secret; every character changes all bits of what goes into the next step. */
function hashOf(begin: number, key: string): number {
  let hash = begin;
  for (let i = 0; i < key.length; i++) {
    hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
    hash ^= hash >>> 15;
  }
  return hash;
}

function isWide(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return true;
  return false;
}
