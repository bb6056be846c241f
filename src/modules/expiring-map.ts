import { ownText, ownValue } from '../core/own-text.js';
import { type Adder, OwnedEntries, type OwnedEntry } from '../core/owned-entries.js';
import type { ValueMap } from '../core/value-map.js';
import type { PvarValue } from '../pvar/context.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleStates } from '../script/environment.js';
import type { PeerTableName } from '../sip/peer-tables.js';
import { copiedList } from './copied-entries.js';

/** Maximum number of characters of keys and texts in a map: they come from peers, and each may have 64 KB. */
export const MAX_KEPT_TEXT = 64 * 1024 * 1024;

interface Entry<T> {
  value: T;
  expires: number | undefined;
  owned: OwnedEntry;
}

/**
 * Values by key, which may expire. When the map is full, the oldest entries make room for new ones; near that, the
 * oldest ones of a source that holds more than its share, for its own.
 */
export class ExpiringMap<T> implements ValueMap<T> {
  private readonly map = new Map<string, Entry<T>>();
  /**
   * Iterates over the keys in the order in which entries are removed. A new iterator would have to skip all removed
   * entries each time, which takes quadratic time for a table that stays full.
   */
  private oldest: Iterator<string> = this.map.keys();
  /** Expired entries that were dropped since a caller asked for them; undefined: no caller has. */
  private dropped: [string, T][] | undefined = undefined;

  /** Number of characters in all keys and texts. */
  private held = 0;
  private readonly owned: OwnedEntries;

  /**
   * `max`: maximum number of entries; `maxText`: maximum number of characters in keys and texts; `table`: its name in
   * the log and in metrics.
   */
  constructor(
    private readonly max: number,
    private readonly maxText = MAX_KEPT_TEXT,
    table: PeerTableName = 'script_values',
  ) {
    this.owned = new OwnedEntries(table, max, maxText);
  }

  /** The value of a key at a time in milliseconds; undefined when there is none or it has expired. */
  get(key: string, now: number): T | undefined {
    const entry = this.map.get(key);
    if (entry === undefined) return undefined;
    if (entry.expires !== undefined && entry.expires <= now) {
      this.delete(key);
      this.drop(key, entry.value);
      return undefined;
    }
    return entry.value;
  }

  /** Number of entries, including expired ones that have not been looked up since. */
  get size(): number {
    return this.map.size;
  }

  *listed(): Generator<readonly [string, T, number | undefined]> {
    for (const [key, { value, expires }] of this.map) yield [key, value, expires];
  }

  /** Runs a function during which other processes cannot change the values (here there are no other processes). */
  alone<R>(run: () => R): R {
    return run();
  }

  /** The time in milliseconds when an entry expires; undefined when it does not expire or does not exist. */
  expiresAt(key: string, now: number): number | undefined {
    return this.get(key, now) === undefined ? undefined : this.map.get(key)?.expires;
  }

  /**
   * Always true; other entries may be dropped to make room. Texts are copied, since they outlive the message they come
   * from.
   */
  set(key: string, value: T, expires: number | undefined, by?: Adder): boolean {
    const kept = ownValue(value);
    const size = textOf(key, kept);
    const amount = this.owned.amountOf(size);
    let known = this.map.get(key);
    // An entry that is changed may be one of those that make room.
    if (by !== undefined && amount > (known?.owned.amount ?? 0)) {
      this.owned.makeRoom(by, (oldest) => this.delete(oldest));
      known = this.map.get(key);
    }
    let more = size - (known === undefined ? 0 : textOf(key, known.value));
    if (known !== undefined && this.held + more > this.maxText) {
      // The entry may itself be the oldest.
      this.delete(key);
      known = undefined;
      more = size;
    }
    if (known === undefined) {
      if (this.map.size >= this.max) this.deleteOldest();
      while (this.held + more > this.maxText && this.map.size > 0) this.deleteOldest();
    }
    this.held += more;
    if (known === undefined) {
      const name = ownText(key);
      this.map.set(name, { value: kept, expires, owned: this.owned.add(name, by?.source, amount) });
      return true;
    }
    this.owned.resize(known.owned, amount);
    known.value = kept;
    known.expires = expires;
    return true;
  }

  private deleteOldest(): void {
    let next = this.oldest.next();
    if (next.done === true) {
      this.oldest = this.map.keys();
      next = this.oldest.next();
    }
    if (next.done !== true) this.delete(next.value);
  }

  /** Deletes an entry, if it exists. */
  delete(key: string): void {
    const entry = this.map.get(key);
    if (entry === undefined) return;
    this.held -= textOf(key, entry.value);
    this.owned.remove(entry.owned);
    this.map.delete(key);
  }

  /** Deletes all entries. */
  clear(): void {
    this.map.clear();
    this.owned.clear();
    this.held = 0;
  }

  /** The entries that have not expired; expired ones are dropped. */
  *entries(now: number): Generator<readonly [string, T]> {
    for (const [key, { value, expires }] of this.map) {
      if (expires !== undefined && expires <= now) {
        this.delete(key);
        this.drop(key, value);
      } else yield [key, value];
    }
  }

  expired(now: number, max = Number.POSITIVE_INFINITY): readonly (readonly [string, T])[] {
    const before = this.dropped ?? [];
    this.dropped = before;
    for (const [key, { value, expires }] of this.map)
      if (before.length >= max) break;
      else if (expires !== undefined && expires <= now) {
        this.delete(key);
        this.drop(key, value);
      }
    this.dropped = before.splice(Math.min(max, before.length));
    return before;
  }

  private drop(key: string, value: T): void {
    if (this.dropped !== undefined && this.dropped.length < this.max) this.dropped.push([key, value]);
  }
}

/** Number of characters of an entry. */
function textOf(key: string, value: unknown): number {
  return key.length + (typeof value === 'string' ? value.length : 0);
}

/** The map with that name: shared with the other processes that run the script, if there are any. */
export function valuesOf(states: ModuleStates, name: string, max: number): ValueMap<PvarValue> {
  return states.shared?.table(name, max) ?? new ExpiringMap<PvarValue>(max);
}

/** A copy in a map of this process. Throws SwitchyardError USAGE when there are too many entries to copy. */
export function copiedValues<T>(values: ValueMap<T>, max: number): ExpiringMap<T> {
  const copy = new ExpiringMap<T>(max);
  for (const [key, value, expires] of copiedList(values.size, values.listed())) copy.set(key, value, expires);
  return copy;
}

/** The source of the request that a run belongs to, also in routes of its replies; undefined in routes of no peer. */
export function adderOf({ env, call }: Pick<MessageRun, 'env' | 'call'>): Adder | undefined {
  const { address, socket } = call.source;
  return address === socket.address ? undefined : { source: address, peers: env.peers };
}
