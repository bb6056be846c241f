import { randomInt } from 'node:crypto';
import { Mixer } from '../core/mix.js';
import { type LockOptions, SharedLock } from '../core/shared-lock.js';

/**
 * Words at the start: lock, whether a change is in progress, hash seeds, number of calls, entries ever used, the first
 * free entry (+ 1), number of changes of counters, counters ever used.
 */
const LOCK = 0;
const CHANGING = 1;
const SEED_A = 2;
const SEED_B = 3;
const CALLS = 4;
const HIGH = 5;
const FREE = 6;
const CHANGES = 7;
const COUNTERS_HIGH = 8;
/** After these: the counters that were changed last, in a ring. */
const CHANGED = 16;
const MAX_CHANGED = 4096;
/** After these: for each segment of the entries, a tick before which none of them expires. */
const SEGMENTS = CHANGED + MAX_CHANGED;
const SEGMENT = 4096;
/**
 * After these: the counters, each with its calls, the calls on other nodes, and the most calls of this node (+ 1; 0: no
 * bound).
 */
const COUNTER_WORDS = 3;
const LOAD = 0;
const ELSEWHERE = 1;
const SHARE = 2;

/**
 * Words of an entry: state, next of its chain (+ 1), hash of the Call-ID, hash of the partition, counter, expiry,
 * owner.
 */
const ENTRY_WORDS = 8;
const STATE = 0;
const NEXT = 1;
const HASH_A = 2;
const HASH_B = 3;
const PARTITION = 4;
const COUNTER = 5;
const EXPIRES = 6;
const OWNER = 7;

const STARTING = 1;
const CONFIRMED = 2;

/** Milliseconds before unused counters are searched for again when none was found. */
const SEARCH_MS = 100;
/** Milliseconds of a tick. */
const TICK = 100;
/** The largest number that a word holds; as an expiry: never. */
const MAX_INT32 = 0x7fff_ffff;

/** How many calls and destinations the memory has room for. */
export interface LoadSizes {
  /** A power of two. */
  readonly calls: number;
  readonly counters: number;
}

/**
 * A million calls. Counters for as many destinations as several processes share, and for destinations that were
 * replaced.
 */
export const LOAD_SIZES: LoadSizes = { calls: 2 ** 20, counters: 2 ** 18 };

/** Number of 32-bit words for so many calls and destinations. */
export function loadWords({ calls, counters }: LoadSizes): number {
  return headWords(calls) + COUNTER_WORDS * counters + calls / 2 + ENTRY_WORDS * calls;
}

/** A destination's counter: kept with the destination. */
export interface Counted {
  /** Number of its counter in the shared memory; -1: none yet. */
  counter: number;
}

/** What a process needs to count with the others. */
export interface SharedLoadsOptions {
  /** Monotonic milliseconds, equal in all processes. */
  readonly now: () => number;
  /** This process's number in entries. */
  readonly owner: number;
  /**
   * All destinations that may still be in use, for the process that assigns counters to destinations; undefined in
   * other processes.
   */
  readonly inUse?: () => Iterable<Counted>;
  readonly lock?: LockOptions;
  readonly pid?: number;
  readonly sizes?: LoadSizes;
}

/**
 * Calls in progress, and the number of them at each destination, in memory that several processes map. A call is an
 * entry with a 64-bit hash of its Call-ID, in a chain of a hash table. If a process dies during a change, a mark
 * remains, and the next process computes chains and counters from the entries again.
 */
export class SharedLoads {
  private readonly words: Int32Array;
  private readonly lock: SharedLock;
  private readonly mixer: Mixer;
  private readonly sizes: LoadSizes;
  private readonly counters: number;
  private readonly heads: number;
  private readonly entries: number;
  /** Counters that can be assigned again, once all have been used. */
  private readonly free: number[] = [];
  /** Monotonic milliseconds before which unused counters are not searched for, since none was found. */
  private noneUntil = Number.NEGATIVE_INFINITY;
  /** The Call-ID that was hashed last, and its hash. A call may have entries in many partitions. */
  private hashed = '';
  private a = 0;
  private b = 0;

  /** `words` must be zero before they are used for the first time. */
  constructor(
    words: Int32Array,
    private readonly options: SharedLoadsOptions,
  ) {
    const sizes = (this.sizes = options.sizes ?? LOAD_SIZES);
    this.words = words;
    this.counters = headWords(sizes.calls);
    this.heads = this.counters + COUNTER_WORDS * sizes.counters;
    this.entries = this.heads + sizes.calls / 2;
    this.lock = new SharedLock(words, LOCK, options.pid ?? process.pid, options.lock);
    // The first process draws random seeds, so that peers cannot choose Call-IDs of one chain.
    for (const at of [SEED_A, SEED_B]) Atomics.compareExchange(words, at, 0, randomInt(1, 0x7fff_ffff));
    this.mixer = new Mixer(words[SEED_A] as number, words[SEED_B] as number);
  }

  /** Number of calls in progress, of all partitions. */
  get size(): number {
    return this.words[CALLS] as number;
  }

  /** Keeps other processes from counting until `leave`. Calls may be nested. */
  enter(): void {
    this.lock.enter();
    if (this.words[CHANGING] !== 0) this.mend();
  }

  /** Lets other processes count again. */
  leave(): void {
    this.lock.leave();
  }

  /** Cleans up after a process that has ended. Call it before its ID can be reused. */
  ended(pid: number): void {
    this.lock.ended(pid);
  }

  /** A number for the name of a partition, equal in all processes. */
  partition(name: string): number {
    return this.mixer.begin().text(name).a;
  }

  /** The number of a destination's counter; -1 for none. */
  counterOf(counted: Counted): number {
    const { inUse } = this.options;
    if (counted.counter >= 0 || inUse === undefined) return counted.counter;
    this.enter();
    const { words } = this;
    if ((words[COUNTERS_HIGH] as number) < this.sizes.counters) counted.counter = this.increase(COUNTERS_HIGH, 1) - 1;
    else counted.counter = this.takeUnused(inUse);
    if (counted.counter >= 0) {
      const at = this.counterAt(counted.counter);
      words.fill(0, at, at + COUNTER_WORDS);
    }
    this.leave();
    return counted.counter;
  }

  /** Number of calls at a counter. */
  load(counter: number): number {
    return counter < 0 ? 0 : (this.words[this.counterAt(counter) + LOAD] as number);
  }

  /** Number of calls of other nodes at a counter. */
  elsewhere(counter: number): number {
    return counter < 0 ? 0 : (this.words[this.counterAt(counter) + ELSEWHERE] as number);
  }

  /** The most calls that this node may have; undefined: no bound. */
  share(counter: number): number | undefined {
    const share = counter < 0 ? 0 : (this.words[this.counterAt(counter) + SHARE] as number);
    return share === 0 ? undefined : share - 1;
  }

  /** Sets the calls on other nodes, and the most calls of this node. */
  setElsewhere(counter: number, elsewhere: number, share: number | undefined): void {
    if (counter < 0) return;
    const { words } = this;
    const at = this.counterAt(counter);
    const calls = Math.min(elsewhere, MAX_INT32);
    const bound = share === undefined ? 0 : Math.min(share + 1, MAX_INT32);
    if (words[at + ELSEWHERE] === calls && words[at + SHARE] === bound) return;
    this.enter();
    words[at + ELSEWHERE] = calls;
    words[at + SHARE] = bound;
    this.changed(counter);
    this.leave();
  }

  /** Number of counter changes so far; it may overflow. */
  get changes(): number {
    return this.words[CHANGES] as number;
  }

  /** Calls `each` with every counter that has changed since `seen`. False when that is no longer known. */
  since(seen: number, each: (counter: number) => void): boolean {
    const count = (this.changes - seen) | 0;
    if (count < 0 || count > MAX_CHANGED) return false;
    for (let i = 0; i < count; i++) each(this.words[CHANGED + ((seen + i) & (MAX_CHANGED - 1))] as number);
    return true;
  }

  /** Whether a call is in progress. */
  has(callId: string, partition: number): boolean {
    if (this.size === 0) return false;
    this.enter();
    const found = this.find(callId, partition) >= 0;
    this.leave();
    return found;
  }

  /** Begins a call, or moves it if it is known. False when there is no room. `seconds`: until it expires. */
  begin(callId: string, partition: number, counter: number, seconds: number): boolean {
    this.enter();
    try {
      const known = this.find(callId, partition);
      if (known >= 0) {
        this.moveAt(known, counter);
        return true;
      }
      if (this.words[FREE] === 0 && this.words[HIGH] === this.sizes.calls) this.expire();
      const { words } = this;
      const isNew = words[FREE] === 0;
      const at = isNew ? (words[HIGH] as number) : (words[FREE] as number) - 1;
      if (at >= this.sizes.calls) return false;
      words[CHANGING] = 1;
      const entry = this.entryAt(at);
      if (isNew) words[HIGH] = at + 1;
      else words[FREE] = words[entry + NEXT] as number;
      const head = this.heads + (this.a & (this.sizes.calls / 2 - 1));
      words[entry + NEXT] = words[head] as number;
      words[entry + HASH_A] = this.a;
      words[entry + HASH_B] = this.b;
      words[entry + PARTITION] = partition;
      words[entry + COUNTER] = counter;
      words[entry + OWNER] = this.options.owner;
      this.setExpiry(at, seconds);
      words[entry + STATE] = STARTING;
      words[head] = at + 1;
      this.increase(CALLS, 1);
      this.add(counter, 1);
      words[CHANGING] = 0;
      return true;
    } finally {
      this.leave();
    }
  }

  /** Counts a call at another destination; no effect after the call's end. */
  move(callId: string, partition: number, counter: number): void {
    this.enter();
    const at = this.find(callId, partition);
    if (at >= 0) this.moveAt(at, counter);
    this.leave();
  }

  /** Notes that a call was answered; it expires in `seconds`. */
  confirm(callId: string, partition: number, seconds: number): void {
    this.enter();
    const at = this.find(callId, partition);
    if (at >= 0) {
      this.words[this.entryAt(at) + STATE] = CONFIRMED;
      this.setExpiry(at, seconds);
    }
    this.leave();
  }

  /** Ends a call. Returns whether it was in progress. */
  end(callId: string, partition: number): boolean {
    if (this.size === 0) return false;
    this.enter();
    const at = this.find(callId, partition);
    if (at >= 0) this.remove(at);
    this.leave();
    return at >= 0;
  }

  /** Ends a call in all partitions. */
  endAll(callId: string): void {
    if (this.size === 0) return;
    this.enter();
    for (let at = this.find(callId, undefined); at >= 0; at = this.find(callId, undefined)) this.remove(at);
    this.leave();
  }

  /** Removes expired calls; returns their number. */
  expire(): number {
    const now = Math.floor(this.options.now() / TICK);
    const { words } = this;
    let count = 0;
    for (let segment = 0; segment * SEGMENT < (words[HIGH] as number); segment++) {
      if ((words[SEGMENTS + segment] as number) > now) continue;
      this.enter();
      let least = MAX_INT32;
      const end = Math.min((segment + 1) * SEGMENT, words[HIGH] as number);
      for (let at = segment * SEGMENT; at < end; at++) {
        const entry = this.entryAt(at);
        if (words[entry + STATE] === 0) continue;
        const expires = words[entry + EXPIRES] as number;
        if (expires > now) least = Math.min(least, expires);
        else {
          this.remove(at);
          count++;
        }
      }
      words[SEGMENTS + segment] = least;
      this.leave();
    }
    return count;
  }

  /** After the death of a process: the calls that it was setting up no longer count. Returns their number. */
  lost(owner: number): number {
    const { words } = this;
    let count = 0;
    for (let from = 0; from < (words[HIGH] as number); from += SEGMENT) {
      this.enter();
      const end = Math.min(from + SEGMENT, words[HIGH] as number);
      for (let at = from; at < end; at++) {
        const entry = this.entryAt(at);
        if (words[entry + STATE] !== STARTING || words[entry + OWNER] !== owner) continue;
        this.remove(at);
        count++;
      }
      this.leave();
    }
    return count;
  }

  /** The entry of a call in one partition, or in any; -1 if there is none. */
  private find(callId: string, partition: number | undefined): number {
    if (callId !== this.hashed) {
      const { a, b } = this.mixer.begin().text(callId);
      this.a = a;
      this.b = b;
      this.hashed = callId;
    }
    const { words, a, b } = this;
    let at = words[this.heads + (a & (this.sizes.calls / 2 - 1))] as number;
    while (at !== 0) {
      const entry = this.entryAt(at - 1);
      if (words[entry + HASH_A] === a && words[entry + HASH_B] === b) {
        if (partition === undefined || words[entry + PARTITION] === partition) return at - 1;
      }
      at = words[entry + NEXT] as number;
    }
    return -1;
  }

  private moveAt(at: number, counter: number): void {
    const { words } = this;
    const entry = this.entryAt(at);
    words[entry + OWNER] = this.options.owner;
    const before = words[entry + COUNTER] as number;
    if (before === counter) return;
    words[CHANGING] = 1;
    words[entry + COUNTER] = counter;
    this.add(before, -1);
    this.add(counter, 1);
    words[CHANGING] = 0;
  }

  private remove(at: number): void {
    const { words } = this;
    const entry = this.entryAt(at);
    words[CHANGING] = 1;
    words[entry + STATE] = 0;
    const head = this.heads + ((words[entry + HASH_A] as number) & (this.sizes.calls / 2 - 1));
    let link = head;
    while (words[link] !== at + 1) {
      if (words[link] === 0) {
        this.mend();
        return;
      }
      link = this.entryAt((words[link] as number) - 1) + NEXT;
    }
    words[link] = words[entry + NEXT] as number;
    words[entry + NEXT] = words[FREE] as number;
    words[FREE] = at + 1;
    this.increase(CALLS, -1);
    this.add(words[entry + COUNTER] as number, -1);
    words[CHANGING] = 0;
  }

  private add(counter: number, by: 1 | -1): void {
    if (counter < 0) return;
    this.increase(this.counterAt(counter) + LOAD, by);
    this.changed(counter);
  }

  private changed(counter: number): void {
    const { words } = this;
    const number = words[CHANGES] as number;
    words[CHANGED + (number & (MAX_CHANGED - 1))] = counter;
    words[CHANGES] = number + 1;
  }

  private setExpiry(at: number, seconds: number): void {
    const { words } = this;
    const expires = Math.min(Math.ceil(this.options.now() / TICK) + Math.ceil((seconds * 1000) / TICK), MAX_INT32);
    words[this.entryAt(at) + EXPIRES] = expires;
    const segment = SEGMENTS + Math.floor(at / SEGMENT);
    const least = words[segment] as number;
    if (least === 0 || expires < least) words[segment] = expires;
  }

  /** Computes chains and counters from the entries; the calls of an entry that was being written do not count. */
  private mend(): void {
    const { words } = this;
    words.fill(0, this.heads, this.entries);
    const counters = words[COUNTERS_HIGH] as number;
    for (let counter = 0; counter < counters; counter++) words[this.counterAt(counter) + LOAD] = 0;
    words[FREE] = 0;
    let calls = 0;
    for (let at = (words[HIGH] as number) - 1; at >= 0; at--) {
      const entry = this.entryAt(at);
      let link = FREE;
      if (words[entry + STATE] !== 0) {
        link = this.heads + ((words[entry + HASH_A] as number) & (this.sizes.calls / 2 - 1));
        calls++;
        const counter = words[entry + COUNTER] as number;
        if (counter >= 0) this.increase(this.counterAt(counter) + LOAD, 1);
      }
      words[entry + NEXT] = words[link] as number;
      words[link] = at + 1;
    }
    // Never 0 in between: other processes read it without the lock, and 0 would mean that there are no calls.
    words[CALLS] = calls;
    // It is no longer known which counters have changed.
    this.increase(CHANGES, MAX_CHANGED + 1);
    words[CHANGING] = 0;
  }

  /** A counter that no destination and no call uses any more; -1 if there is none. */
  private takeUnused(inUse: () => Iterable<Counted>): number {
    if (this.free.length === 0) this.searchUnused(inUse);
    let counter = this.free.pop();
    // Since the search a call may have failed over to a destination that was removed.
    while (counter !== undefined && this.load(counter) !== 0) counter = this.free.pop();
    return counter ?? -1;
  }

  /**
   * Searches all counters and calls, which takes milliseconds. After a search without success it waits before the next.
   */
  private searchUnused(inUse: () => Iterable<Counted>): void {
    const now = this.options.now();
    if (now < this.noneUntil) return;
    const { words } = this;
    const taken = new Uint8Array(this.sizes.counters);
    const take = (counter: number) => {
      if (counter >= 0) taken[counter] = 1;
    };
    for (const { counter } of inUse()) take(counter);
    for (let at = 0; at < (words[HIGH] as number); at++) {
      const entry = this.entryAt(at);
      if (words[entry + STATE] !== 0) take(words[entry + COUNTER] as number);
    }
    for (const [counter, mark] of taken.entries()) if (mark === 0) this.free.push(counter);
    if (this.free.length === 0) this.noneUntil = now + SEARCH_MS;
  }

  private increase(word: number, by: number): number {
    return (this.words[word] = (this.words[word] as number) + by);
  }

  private counterAt(counter: number): number {
    return this.counters + COUNTER_WORDS * counter;
  }

  private entryAt(at: number): number {
    return this.entries + ENTRY_WORDS * at;
  }
}

function headWords(calls: number): number {
  return SEGMENTS + Math.ceil(calls / SEGMENT);
}
