import type { Logger } from '../core/logger.js';
import { FairShare } from './fair-share.js';
import type { Tally } from './transaction/counters.js';
import type { AddressSet } from './trusted-sources.js';

/** Tables with a maximum that requests of peers fill, as named in the log and in metrics. */
export const PEER_TABLES = [
  'dialogs',
  'contacts',
  'lookups',
  'suspended_requests',
  'accounting_rows',
  'expressions',
] as const;

/** The name of such a table. */
export type PeerTableName = (typeof PEER_TABLES)[number];

/** How many requests were refused an entry in each table. */
export type PeerTableCounters = Readonly<Record<PeerTableName, Tally>>;

/** How much of a table each source holds. The table's owner adds and removes with each entry. */
export class PeerShare {
  private readonly shares = new FairShare();
  private total = 0;

  /** The sum of all entries. */
  get used(): number {
    return this.total;
  }

  /** Counts an entry of a source; undefined: of no peer. */
  add(source: string | undefined, amount = 1): void {
    this.total += amount;
    if (source !== undefined) this.shares.add(source, amount);
  }

  /** Counts it no longer. */
  remove(source: string | undefined, amount = 1): void {
    this.total -= amount;
    if (source !== undefined) this.shares.remove(source, amount);
  }

  /** How much a source holds. */
  heldBy(source: string): number {
    return this.shares.heldBy(source);
  }

  /** Whether a source holds more than its share of what is left of `max`. */
  exceeds(source: string, max: number): boolean {
    return this.shares.exceeds(source, max - this.total);
  }
}

/** Decides who gets an entry in the tables that peers fill, and counts and logs refusals. */
export class PeerTables {
  constructor(
    private readonly counters: PeerTableCounters,
    /** Sources without a limit on their share. */
    private readonly trusted: AddressSet | undefined,
    /** Bounded in number by source. */
    private readonly log: Logger,
  ) {}

  /**
   * Whether a source gets another entry in a table of at most `max`. Near the maximum, the sources that hold the most are
   * refused first; a trusted one only when the table is full.
   */
  admits(name: PeerTableName, share: PeerShare, max: number, source: string, amount = 1): boolean {
    const full = share.used + amount > max;
    if (!full && (!share.exceeds(source, max) || this.trusted?.has(source) === true)) return true;
    this.refused(name, source, { held: share.heldBy(source), used: share.used, max });
    return false;
  }

  /** Counts and logs that a source was refused. */
  refused(table: PeerTableName, source: string, figures: object): void {
    this.counters[table].value++;
    this.log.warn({ table, source, ...figures }, 'a table that peers fill is nearly full: a request is refused');
  }
}
