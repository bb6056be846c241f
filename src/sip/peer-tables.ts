import type { Logger } from '../core/logger.js';
import type { AdderPeers } from '../core/owned-entries.js';
import type { PeerShare } from '../core/peer-share.js';
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
  'script_values',
  'media_calls',
  'hidden_requests',
  'hidden_dialogs',
  'pipes',
  'http_requests',
] as const;

/** The name of such a table. */
export type PeerTableName = (typeof PEER_TABLES)[number];

/** How many requests were refused an entry in each table. */
export type PeerTableCounters = Readonly<Record<PeerTableName, Tally>>;

/** Decides who gets an entry in the tables that peers fill, and counts and logs refusals. */
export class PeerTables implements AdderPeers<PeerTableName> {
  constructor(
    private readonly counters: PeerTableCounters,
    /** Sources without a limit on their share. */
    private readonly trusted: AddressSet | undefined,
    /** Bounded in number by source. */
    private readonly log: Logger,
  ) {}

  /**
   * Whether a source gets another entry in a table of at most `max`. Near the maximum, the sources that hold the most
   * are refused first; a trusted one only when the table is full.
   */
  admits(name: PeerTableName, share: PeerShare, max: number, source: string, amount = 1): boolean {
    const full = share.used + amount > max;
    if (!full && !this.exceeds(share, max, source)) return true;
    this.refused(name, source, { held: share.heldBy(source), used: share.used, max });
    return false;
  }

  exceeds(share: PeerShare, max: number, source: string): boolean {
    return share.exceeds(source, max) && this.trusted?.has(source) !== true;
  }

  replaced(table: PeerTableName, source: string, figures: object): void {
    this.counters[table].value++;
    const message =
      'a table that peers fill is nearly full: the oldest entry of this source makes room for its next one';
    this.log.warn({ table, source, ...figures }, message);
  }

  /** Counts and logs that a source was refused. */
  refused(table: PeerTableName, source: string, figures: object): void {
    this.counters[table].value++;
    this.log.warn({ table, source, ...figures }, 'a table that peers fill is nearly full: a request is refused');
  }
}
