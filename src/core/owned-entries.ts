import { sourceKey } from './fair-share.js';
import { ownText } from './own-text.js';
import { PeerShare } from './peer-share.js';

/** Says which sources may add to the tables that peers fill. */
export interface AdderPeers<Name extends string = string> {
  /** Whether a source holds more than its share of a table of at most `max`. */
  exceeds(share: PeerShare, max: number, source: string): boolean;
  /** Counts and logs that the oldest entry of a source made room for its next one. */
  replaced(table: Name, source: string, figures: object): void;
}

/** The source of a request for which an entry is added. */
export interface Adder<Name extends string = string> {
  readonly source: string;
  readonly peers: AdderPeers<Name>;
}

/** Amounts of entries are counted in this part of an entry of usual length. */
const PARTS = 8;

/** An entry of a table. */
export interface OwnedEntry {
  readonly key: string;
  /** Undefined: of no peer. */
  readonly source: string | undefined;
  amount: number;
  older: OwnedEntry | undefined;
  newer: OwnedEntry | undefined;
}

/** The entries of one source. */
interface Row {
  oldest: OwnedEntry;
  newest: OwnedEntry;
}

/**
 * The entries of a bounded table by the source that added them. Where a source holds more than its share, its own
 * oldest entries make room for its next one, so that it cannot displace those of others. An entry stays with the source
 * that added it: one that only changes it does not own it.
 */
export class OwnedEntries<Name extends string = string> {
  private readonly shares = new PeerShare();
  private readonly rows = new Map<string, Row>();

  /**
   * `table`: its name in the log and in metrics; `max`, `maxSize`: maximum number of entries and maximum sum of their
   * sizes.
   */
  constructor(
    private readonly table: Name,
    private readonly max: number,
    private readonly maxSize: number,
  ) {}

  /** What an entry of this size counts, so that one sum bounds number and size. */
  amountOf(size: number): number {
    return Math.max(PARTS, Math.ceil((size * this.max * PARTS) / this.maxSize));
  }

  /** Calls `remove` for the oldest entries of a source while it holds too much to add another. */
  makeRoom({ source, peers }: Adder<Name>, remove: (key: string) => void): void {
    const { shares, table } = this;
    const max = this.max * PARTS;
    for (let isFirst = true; peers.exceeds(shares, max, source); isFirst = false) {
      const oldest = this.rows.get(sourceKey(source))?.oldest;
      if (oldest === undefined) return;
      if (isFirst) peers.replaced(table, source, shownAs(shares.heldBy(source), shares.used, max));
      remove(oldest.key);
    }
  }

  /** The key of the oldest entry of a source that holds more than half of all; undefined for other sources. */
  oldestOfMost(source: string): string | undefined {
    const { shares } = this;
    return shares.heldBy(source) * 2 > shares.used ? this.rows.get(sourceKey(source))?.oldest.key : undefined;
  }

  /** Adds an entry. Its table passes it to `remove` when it is gone. */
  add(key: string, by: string | undefined, amount: number): OwnedEntry {
    const source = by === undefined ? undefined : ownText(by);
    const entry: OwnedEntry = { key, source, amount, older: undefined, newer: undefined };
    this.shares.add(source, amount);
    if (source === undefined) return entry;
    const row = this.rows.get(sourceKey(source));
    if (row === undefined) this.rows.set(sourceKey(source), { oldest: entry, newest: entry });
    else {
      entry.older = row.newest;
      row.newest.newer = entry;
      row.newest = entry;
    }
    return entry;
  }

  /** Changes what an entry counts. */
  resize(entry: OwnedEntry, amount: number): void {
    if (amount === entry.amount) return;
    this.shares.remove(entry.source, entry.amount);
    this.shares.add(entry.source, amount);
    entry.amount = amount;
  }

  /** Removes an entry. */
  remove(entry: OwnedEntry): void {
    const { source, amount, older, newer } = entry;
    this.shares.remove(source, amount);
    if (source === undefined) return;
    const key = sourceKey(source);
    const row = this.rows.get(key);
    if (row === undefined) return;
    if (older !== undefined) older.newer = newer;
    else if (newer !== undefined) row.oldest = newer;
    if (newer !== undefined) newer.older = older;
    else if (older !== undefined) row.newest = older;
    if (older === undefined && newer === undefined) this.rows.delete(key);
  }

  /** Removes all entries. */
  clear(): void {
    this.shares.clear();
    this.rows.clear();
  }
}

/** Amounts as numbers of entries. */
function shownAs(held: number, used: number, max: number): object {
  return { held: Math.round(held / PARTS), used: Math.round(used / PARTS), max: max / PARTS };
}
