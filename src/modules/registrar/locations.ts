import { PeerShare } from '../../core/peer-share.js';
import type { Random } from '../../core/random.js';
import { type Binding, isValid } from './contact.js';

/** Maximum number of contacts of one address of record. */
export const MAX_OF_ONE = 100;
/** A contact counts once for each 2^UNIT_BITS characters of its texts. */
const UNIT_BITS = 10;

/** Changes that are not written yet: the contact by its ruid, undefined for a removed one. */
export type UnsavedContacts = Map<string, Binding | undefined>;

/**
 * The contacts of one location table in memory, by address of record; those with the highest q first, and among equal
 * ones the first registered.
 */
export class Locations {
  private readonly records = new Map<string, Binding[]>();
  /** Changes that the database does not have yet. */
  changes: UnsavedContacts = new Map();
  /** Changes that are being written. */
  underWay: UnsavedContacts | undefined;
  /** Ruids of contacts that have a row in the database. */
  readonly stored = new Set<string>();
  size = 0;
  /** The share of the contacts that each source of REGISTER requests has. */
  readonly shares = new PeerShare();
  /** Number of contacts that have expired since the start. */
  expiredEver = 0;
  /** Where the search for expired contacts continues. */
  private looking: Iterator<Binding[]> | undefined;

  constructor(
    /** Whether changes are recorded for a database. */
    private readonly follows: boolean,
  ) {}

  /** Number of addresses of record. */
  get users(): number {
    return this.records.size;
  }

  /** Addresses of record, in the order of their first registration. */
  aors(): IterableIterator<string> {
    return this.records.keys();
  }

  /** The contacts of each address of record. */
  all(): IterableIterator<readonly Binding[]> {
    return this.records.values();
  }

  /** The contacts of an address of record, including expired ones. */
  of(aor: string): readonly Binding[] {
    return this.records.get(aor) ?? [];
  }

  /** The contacts of an address of record that have not expired. */
  valid(aor: string, now: number): Binding[] {
    return this.of(aor).filter((each) => isValid(each, now));
  }

  /** Adds a contact; false when there are too many of one address of record. */
  add(binding: Binding): boolean {
    const list = this.records.get(binding.aor);
    if ((list?.length ?? 0) >= MAX_OF_ONE) return false;
    this.size++;
    this.shares.add(binding.source, weightOf(binding));
    if (this.follows) this.changes.set(binding.ruid, binding);
    if (list === undefined) {
      this.records.set(binding.aor, [binding]);
      return true;
    }
    const at = list.findIndex(({ q }) => q < binding.q);
    list.splice(at < 0 ? list.length : at, 0, binding);
    return true;
  }

  /** Removes a contact. */
  remove(binding: Binding): void {
    const list = this.records.get(binding.aor);
    const at = list?.findIndex(({ ruid }) => ruid === binding.ruid) ?? -1;
    if (list === undefined || at < 0) return;
    const [held = binding] = list.splice(at, 1);
    if (list.length === 0) this.records.delete(binding.aor);
    this.size--;
    this.shares.remove(held.source, weightOf(held));
    if (!this.follows) return;
    // A contact that the database never had needs no change: contacts that come and go while the database cannot be
    // reached must not fill the memory.
    if (this.stored.has(binding.ruid) || this.underWay?.has(binding.ruid) === true)
      this.changes.set(binding.ruid, undefined);
    else this.changes.delete(binding.ruid);
  }

  /** Takes back changes that could not be written, except where there is a newer one. */
  restoreUnsaved(taken: UnsavedContacts): void {
    const newer = this.changes;
    this.changes = taken;
    for (const [ruid, binding] of newer) {
      if (binding === undefined && !this.stored.has(ruid)) taken.delete(ruid);
      else taken.set(ruid, binding);
    }
  }

  /**
   * Replaces the contact with the same ruid; its position among contacts of equal q stays, if its q has not changed.
   */
  replace(before: Binding, binding: Binding): void {
    const list = this.records.get(binding.aor);
    const at = list?.findIndex(({ ruid }) => ruid === before.ruid) ?? -1;
    if (list === undefined || at < 0) return;
    if (before.q === binding.q) {
      const held = list[at] as Binding;
      this.shares.remove(held.source, weightOf(held));
      this.shares.add(binding.source, weightOf(binding));
      list[at] = binding;
      if (this.follows) this.changes.set(binding.ruid, binding);
      return;
    }
    this.remove(before);
    this.add(binding);
  }

  /** Removes all contacts of an address of record. */
  clear(aor: string): void {
    for (const each of [...this.of(aor)]) this.remove(each);
  }

  /** Adds contacts read from the database, up to `max` in all. */
  enter(rows: readonly Binding[], max: number): void {
    for (const each of rows) {
      if (this.size >= max) return;
      if (this.of(each.aor).some(({ ruid }) => ruid === each.ruid) || !this.add(each)) continue;
      this.changes.delete(each.ruid);
      if (this.follows) this.stored.add(each.ruid);
    }
  }

  /** Removes an address of record from memory, without a change for the database. */
  forget(aor: string): void {
    for (const each of this.of(aor)) {
      this.stored.delete(each.ruid);
      this.shares.remove(each.source, weightOf(each));
    }
    this.size -= this.of(aor).length;
    this.records.delete(aor);
  }

  /**
   * Removes contacts that have expired. Checks `max` addresses of record, beginning where the last call stopped.
   * `isDone`: all have been checked, and the next call begins at the first.
   */
  expired(now: number, max: number): { readonly found: readonly Binding[]; readonly isDone: boolean } {
    const records = (this.looking ??= this.records.values());
    const found: Binding[] = [];
    let isDone = false;
    for (let looked = 0; looked < max && !isDone; looked++) {
      const next = records.next();
      if (next.done === true) isDone = true;
      else for (const each of next.value) if (!isValid(each, now)) found.push(each);
    }
    if (isDone) this.looking = undefined;
    for (const each of found) this.remove(each);
    this.expiredEver += found.length;
    return { found, isDone };
  }
}

/** What a contact counts, so that a maximum of contacts also bounds the memory for their texts. */
export function weightOf({ aor, uri, received, path, callId, userAgent, instance, attributes }: Binding): number {
  let characters = 0;
  for (const each of [aor, uri, received, path, callId, userAgent, instance]) characters += each?.length ?? 0;
  for (const [name, value] of attributes ?? []) characters += name.length + String(value).length;
  return 1 + (characters >> UNIT_BITS);
}

/** Names for contacts in Kamailio's form: unique among servers and starts. */
export class Ruids {
  private next = 1;
  private readonly prefix: string;

  constructor(random: Random, seconds: number) {
    this.prefix = `uloc-${seconds.toString(16)}-${random.token(4)}`;
  }

  /** A new ruid. */
  make(): string {
    return `${this.prefix}-${(this.next++).toString(16)}`;
  }
}
