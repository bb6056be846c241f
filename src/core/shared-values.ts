import { createHash, randomInt } from 'node:crypto';
import { LARGEST, powerFor, SharedBlocks, USED } from './shared-blocks.js';
import { type LockOptions, SharedLock } from './shared-lock.js';
import { type EntryStore, SharedTable } from './shared-table.js';
import type { KeptValue, ValueMap } from './value-map.js';

/**
 * Words at the start: lock, whether a change is in progress, where unused memory begins, hash seed; then the free
 * blocks by size.
 */
const LOCK = 0;
const CHANGING = 1;
const UNUSED = 2;
const SEED = 3;
const FREE = 4;
/** How often blocks were joined or rebuilt; after that, earlier positions of entries are meaningless. */
const ORDERED = 27;
/** Time in milliseconds before which memory is not tidied again. */
const TIDY_FROM = 28;
/** Sequence number of the newest entry. */
const NEWEST = 30;
/** Then the tables: name, number of entries, first and last entry, and whether entries must not be evicted. */
const TABLES = 32;
const MAX_TABLES = 256;
const NAME_WORDS = 12;
const TABLE_WORDS = NAME_WORDS + 4;
const COUNT = NAME_WORDS;
const FIRST = NAME_WORDS + 1;
const LAST = NAME_WORDS + 2;
const LASTS = NAME_WORDS + 3;
/** Then the hash buckets of the entries. */
const BUCKETS = TABLES + MAX_TABLES * TABLE_WORDS;
const MAX_BUCKETS = 32_768;
const BLOCKS = BUCKETS + MAX_BUCKETS;

/** Words of an entry, after those of its block. */
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
/** Sequence number in the order of adding; setting a new value keeps it. */
const SEQUENCE = 14;
const TEXT = 16;

/** Types of values, and whether key or value have two bytes for each character. */
const NOTHING = 0;
const NUMBER_VALUE = 1;
const TEXT_VALUE = 2;
const KINDS = 3;
const WIDE_KEY = 4;
const WIDE_VALUE = 8;

/** Least milliseconds between two cleanups of full memory; and the least multiple of the time that a cleanup took. */
const TIDY_MS = 1000;
const TIDY_SHARE = 20;
/** Oldest entries of a table that are examined to find one with a block large enough for the new entry. */
const MAX_LOOKS = 16;

/** Number of locks after the blocks; names share them by hash. */
const LOCKS = 64;

/** Default size in bytes; the system provides pages only when they are used. */
export const VALUES_BYTES = 128 * 1024 * 1024;

/**
 * Values by key in memory that several processes map; whoever changes them holds a lock. If a process dies during a
 * change, a mark remains, and the next process rebuilds everything from the entries; only the entry that was being
 * written is lost.
 */
export class SharedValues implements EntryStore {
  private readonly words: Int32Array;
  private readonly doubles: Float64Array;
  private readonly bytes: Buffer;
  private readonly lock: SharedLock;
  private readonly blocks: SharedBlocks;
  private readonly locks: (SharedLock | undefined)[] = [];
  /**
   * A random number from the first process. Keys come from peers, who must not be able to choose keys of one bucket.
   */
  private readonly seed: number;

  /**
   * `memory` must be zero before its first use. `now`: the milliseconds by which entries expire, equal in all
   * processes.
   */
  constructor(
    memory: ArrayBufferLike,
    private readonly now: () => number,
    lock: LockOptions = {},
  ) {
    this.words = new Int32Array(memory);
    this.doubles = new Float64Array(memory);
    this.bytes = Buffer.from(memory as ArrayBuffer);
    this.lock = new SharedLock(this.words, LOCK, process.pid, lock);
    this.blocks = new SharedBlocks(this.words.subarray(0, this.words.length - LOCKS), {
      unused: UNUSED,
      free: FREE,
      blocks: BLOCKS,
    });
    this.seed = this.alone(() => (this.words[SEED] ||= randomInt(1, 0x7fff_ffff)));
  }

  /** The table with a name, with at most `max` entries. Throws an Error beyond 256 tables. */
  table(name: string, max: number): ValueMap<KeptValue> {
    return new SharedTable(
      this,
      this.alone(() => this.tableAt(name)),
      max,
    );
  }

  /** Like `table`, for entries that cannot be restored: when memory is full, entries of other tables are evicted. */
  lastingTable(name: string, max: number): ValueMap<KeptValue> {
    this.alone(() => {
      this.words[this.tableAt(name) + LASTS] = 1;
    });
    return this.table(name, max);
  }

  /** The lock with a name; several names may share it. For work that only one process may do at a time. */
  namedLock(name: string): SharedLock {
    const at = hashOf(this.seed, name) & (LOCKS - 1);
    return (this.locks[at] ??= new SharedLock(this.words, this.words.length - LOCKS + at));
  }

  /** Cleans up after a process that has ended. Call it before its ID can be reused. */
  ended(pid: number): void {
    this.lock.ended(pid);
    for (let i = 1; i <= LOCKS; i++) Atomics.compareExchange(this.words, this.words.length - i, pid, 0);
  }

  /** Runs a function while no other process reads or changes anything. */
  alone<R>(run: () => R): R {
    this.lock.enter();
    try {
      if (this.words[CHANGING] === 1) this.mend();
      return run();
    } finally {
      this.lock.leave();
    }
  }

  /** The position of an entry; 0 when there is none. */
  find(table: number, key: string): number {
    const { words } = this;
    const hash = hashOf(this.seed ^ table, key);
    for (let at = words[bucketOf(hash)] as number; at !== 0; at = words[at + NEXT_OF_HASH] as number) {
      if (words[at + HASH] === hash && words[at + TABLE] === table && this.hasKey(at, key)) return at;
    }
    return 0;
  }

  /** When an entry expires; 0: never. */
  expires(at: number): number {
    return this.doubles[(at + EXPIRES) >> 1] as number;
  }

  /** The value of an entry. */
  value(at: number): KeptValue {
    const { words } = this;
    const kind = words[at + KIND] as number;
    if ((kind & KINDS) === NOTHING) return null;
    if ((kind & KINDS) === NUMBER_VALUE) return this.doubles[(at + NUMBER) >> 1] as number;
    const from = 4 * (at + TEXT) + (words[at + KEY_BYTES] as number);
    return this.text(from, words[at + VALUE_BYTES] as number, (kind & WIDE_VALUE) !== 0);
  }

  /** The key of an entry. */
  key(at: number): string {
    const { words } = this;
    return this.text(4 * (at + TEXT), words[at + KEY_BYTES] as number, ((words[at + KIND] as number) & WIDE_KEY) !== 0);
  }

  /** The first entry of a table; 0: none. */
  first(table: number): number {
    return this.words[table + FIRST] as number;
  }

  /** The next entry of the same table; 0: none. */
  after(at: number): number {
    return this.words[at + AFTER] as number;
  }

  count(table: number): number {
    return this.words[table + COUNT] as number;
  }

  /** Sequence number of an entry; it grows along a table. */
  sequence(at: number): number {
    return this.doubles[(at + SEQUENCE) >> 1] as number;
  }

  /** Sequence number of the newest entry. */
  newest(): number {
    return this.doubles[NEWEST >> 1] as number;
  }

  /** How often the memory was reorganised; after that, earlier positions are meaningless. */
  ordered(): number {
    return this.words[ORDERED] as number;
  }

  /** Whether an entry still exists, if it was found since the last reorganisation. */
  isEntry(at: number, table: number, sequence: number): boolean {
    const { words } = this;
    return words[at + USED] === 1 && words[at + TABLE] === table && this.sequence(at) === sequence;
  }

  /**
   * Sets an entry. When memory is full, expired entries are removed, then an old entry of the largest table. False when
   * there is still no room; an existing entry then keeps its value.
   */
  put(table: number, key: string, value: KeptValue, expires: number): boolean {
    const known = this.find(table, key);
    if (known !== 0 && typeof value !== 'string') {
      this.change(() => this.write(known, value, expires));
      return true;
    }
    const size = sizeOf(key, value);
    if (size.power > LARGEST) return false;
    const store = (before: number) => this.store(before, table, key, value, expires, size);
    if (store(known)) return true;
    // Making room may remove the existing entry, so it is searched again.
    if (this.tidy() && store(this.find(table, key))) return true;
    return this.evict(size.power) && store(this.find(table, key));
  }

  private store(
    known: number,
    table: number,
    key: string,
    value: KeptValue,
    expires: number,
    size: EntrySize,
  ): boolean {
    let stored = false;
    this.change(() => {
      const { words, blocks } = this;
      let at = blocks.take(size.power);
      if (at === 0 && (known === 0 || blocks.powerOf(known) < size.power)) return;
      const sequence = known === 0 ? this.newest() + 1 : this.sequence(known);
      const before = known === 0 ? (words[table + LAST] as number) : (words[known + BEFORE] as number);
      if (known !== 0) this.unlink(known);
      if (at === 0) at = blocks.take(blocks.powerOf(known));
      words[at + TABLE] = table;
      words[at + HASH] = hashOf(this.seed ^ table, key);
      words[at + KEY_BYTES] = size.key;
      words[at + VALUE_BYTES] = size.value;
      words[at + KIND] = size.flags;
      const text = 4 * (at + TEXT);
      this.bytes.write(key, text, (size.flags & WIDE_KEY) === 0 ? 'latin1' : 'utf16le');
      const form = (size.flags & WIDE_VALUE) === 0 ? 'latin1' : 'utf16le';
      if (typeof value === 'string') this.bytes.write(value, text + size.key, form);
      this.write(at, value, expires);
      this.doubles[(at + SEQUENCE) >> 1] = sequence;
      words[at + USED] = 1;
      this.link(at, before);
      if (known === 0) this.doubles[NEWEST >> 1] = sequence;
      stored = true;
    });
    return stored;
  }

  /** Removes an entry. */
  remove(at: number): void {
    this.change(() => this.unlink(at));
  }

  /**
   * Removes expired entries of all tables and joins free memory. False when that was done recently, since it takes
   * long.
   */
  private tidy(): boolean {
    const { doubles } = this;
    const now = this.now();
    if (now < (doubles[TIDY_FROM >> 1] as number)) return false;
    const began = performance.now();
    this.change(() => {
      for (let i = 0; i < MAX_TABLES; i++) {
        for (let at = this.first(TABLES + i * TABLE_WORDS), next = 0; at !== 0; at = next) {
          next = this.after(at);
          const expires = this.expires(at);
          if (expires !== 0 && expires <= now) this.unlink(at);
        }
      }
      this.order(() => {});
    });
    doubles[TIDY_FROM >> 1] = now + Math.max(TIDY_MS, TIDY_SHARE * (performance.now() - began));
    return true;
  }

  /**
   * Evicts an old entry of the largest table that allows it; false when none of the examined ones has a block of that
   * size.
   */
  private evict(power: number): boolean {
    let [largest, max] = [0, 0];
    for (let i = 0; i < MAX_TABLES; i++) {
      const table = TABLES + i * TABLE_WORDS;
      if (this.count(table) <= max || this.words[table + LASTS] === 1) continue;
      [largest, max] = [table, this.count(table)];
    }
    let at = largest === 0 ? 0 : this.first(largest);
    for (let looks = 0; at !== 0 && looks < MAX_LOOKS; looks++, at = this.after(at)) {
      if (this.blocks.powerOf(at) < power) continue;
      this.remove(at);
      return true;
    }
    return false;
  }

  private write(at: number, value: KeptValue, expires: number): void {
    const { words, doubles } = this;
    doubles[(at + EXPIRES) >> 1] = expires;
    if (typeof value === 'number') doubles[(at + NUMBER) >> 1] = value;
    const kind = value === null ? NOTHING : typeof value === 'number' ? NUMBER_VALUE : TEXT_VALUE;
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

  /** Inserts an entry after another one of its table, or at the beginning. */
  private link(at: number, before: number): void {
    const { words } = this;
    const bucket = bucketOf(words[at + HASH] as number);
    words[at + NEXT_OF_HASH] = words[bucket] as number;
    words[bucket] = at;
    const table = words[at + TABLE] as number;
    const after = words[before === 0 ? table + FIRST : before + AFTER] as number;
    words[at + BEFORE] = before;
    words[at + AFTER] = after;
    words[before === 0 ? table + FIRST : before + AFTER] = at;
    words[after === 0 ? table + LAST : after + BEFORE] = at;
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
    this.blocks.give(at);
  }

  /** Rebuilds everything, because a process died during a change. */
  private mend(): void {
    const { words } = this;
    words.fill(0, BUCKETS, BLOCKS);
    for (let i = 0; i < MAX_TABLES; i++)
      words.fill(0, TABLES + i * TABLE_WORDS + COUNT, TABLES + i * TABLE_WORDS + LASTS);
    const entries: number[] = [];
    this.order((at) => entries.push(at));
    entries.sort((a, b) => this.sequence(a) - this.sequence(b));
    for (const at of entries) this.link(at, words[(words[at + TABLE] as number) + LAST] as number);
    const newest = entries.at(-1);
    if (newest !== undefined) this.doubles[NEWEST >> 1] = Math.max(this.newest(), this.sequence(newest));
    Atomics.store(words, CHANGING, 0);
  }

  private order(used: (at: number) => void): void {
    this.words[ORDERED] = this.ordered() + 1;
    this.blocks.order(used);
  }

  private tableAt(name: string): number {
    const kept = name.length < 4 * NAME_WORDS ? name : createHash('sha1').update(name).digest('hex');
    const padded = Buffer.alloc(4 * NAME_WORDS);
    padded.write(kept, 'latin1');
    for (let i = 0; i < MAX_TABLES; i++) {
      const at = TABLES + i * TABLE_WORDS;
      const own = this.bytes.subarray(4 * at, 4 * (at + NAME_WORDS));
      if (own.equals(padded)) return at;
      if (own[0] !== 0) continue;
      own.set(padded);
      return at;
    }
    throw new Error(`there are more than ${MAX_TABLES} tables in shared memory`);
  }
}

/** The size of an entry: bytes of its texts, its block, and whether characters need two bytes. */
interface EntrySize {
  readonly key: number;
  readonly value: number;
  readonly power: number;
  readonly flags: number;
}

function sizeOf(key: string, value: KeptValue): EntrySize {
  const wide = { key: isWide(key), value: typeof value === 'string' && isWide(value) };
  const bytes = key.length << (wide.key ? 1 : 0);
  const more = typeof value === 'string' ? value.length << (wide.value ? 1 : 0) : 0;
  const flags = (wide.key ? WIDE_KEY : 0) | (wide.value ? WIDE_VALUE : 0);
  return { key: bytes, value: more, power: powerFor(TEXT + Math.ceil((bytes + more) / 4)), flags };
}

function bucketOf(hash: number): number {
  return BUCKETS + (hash & (MAX_BUCKETS - 1));
}

/** FNV-1a over the characters, starting from a secret. Each character changes all bits of the state. */
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
