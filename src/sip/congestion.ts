import { sourceKey } from '../core/fair-share.js';
import type { AddressSet } from './trusted-sources.js';

/**
 * Datagrams read in consecutive full rounds, more than a socket buffer holds: then they arrive faster than they are
 * handled.
 */
const BACKLOG = 8192;
/** Milliseconds for which requests are counted; the level is adjusted after each such period. */
const PERIOD_MS = 100;
/**
 * The level is halved until this process keeps up; from then on it falls by a fifth when it does not and rises
 * otherwise (similar to RFC 5681).
 */
const START = 0.5;
const DOWN = 0.8;
const UP = 1.1;
/** Minimum of the level, in requests of a source per period: a hundred calls a second. */
const MIN_LEVEL = 30;
/** Minimum part of the sent requests that is admitted: below it, refusing takes most of the time. */
const MIN_PART = 1 / 8;
/** A source with more requests than this multiple of the level has further ones dropped without being parsed. */
const DROP_FACTOR = 2;
/** Periods without a refusal after which congestion ends. */
const CALM_PERIODS = 20;

/** Called when datagrams begin and cease to arrive too fast. */
export interface CongestionEvents {
  /** Called when congestion begins. */
  begun?(): void;
  /** Called when congestion ends, with the number of requests refused and of messages dropped without being parsed. */
  ended?(refused: number, dropped: number): void;
}

/**
 * Sheds load when datagrams arrive faster than they are handled. Otherwise the operating system would drop datagrams of
 * every source; with this, requests of the sources that send the most are refused first, at little cost. The level is
 * the number of requests each source may send in a period; it is lowered until this process keeps up. Sources below the
 * level are not affected. Nothing is counted while there is no congestion.
 */
export class Congestion {
  /** Whether requests are counted, and some refused. */
  active = false;
  /** Requests refused, and messages dropped without being parsed, since the start. */
  refused = 0;
  dropped = 0;
  private level = Number.POSITIVE_INFINITY;
  private readonly counts = new Map<string, number>();
  private backlog = 0;
  private began = 0;
  /** Whether in this period a round has read all waiting datagrams. */
  private keptUp = false;
  private calm = 0;
  /** Whether there has been a level at which this process keeps up. */
  private found = false;
  private before = { refused: 0, dropped: 0 };

  constructor(
    /** Monotonic milliseconds. */
    private readonly now: () => number,
    private readonly events: CongestionEvents = {},
    /** Sources whose requests are never refused. */
    private readonly trusted: AddressSet | undefined = undefined,
  ) {}

  /** Reports how many datagrams were handled together; `full`: more may have been waiting. */
  handled(datagrams: number, full: boolean): void {
    this.backlog = full ? this.backlog + datagrams : 0;
    if (!this.active) {
      if (this.backlog >= BACKLOG) this.begin();
      return;
    }
    if (!full) this.keptUp = true;
    if (this.now() - this.began >= PERIOD_MS) this.endPeriod();
  }

  /**
   * While active: counts a message of a source and returns whether to drop it without parsing. Replies are never
   * dropped.
   */
  drops(text: string, address: string): boolean {
    if (text.startsWith('SIP/') || this.trusted?.has(address) === true) return false;
    const key = sourceKey(address);
    const count = (this.counts.get(key) ?? 0) + 1;
    this.counts.set(key, count);
    if (count <= DROP_FACTOR * this.level) return false;
    this.dropped++;
    return true;
  }

  /** While active: whether to refuse another request of a source; counts the refusal. */
  refuses(address: string): boolean {
    if ((this.counts.get(sourceKey(address)) ?? 0) <= this.level) return false;
    this.refused++;
    return true;
  }

  private begin(): void {
    this.active = true;
    this.level = Number.POSITIVE_INFINITY;
    this.calm = 0;
    this.found = false;
    this.before = { refused: this.refused, dropped: this.dropped };
    this.nextPeriod();
    this.events.begun?.();
  }

  private endPeriod(): void {
    let max = 0;
    let sent = 0;
    let letIn = 0;
    for (const count of this.counts.values()) {
      if (count > max) max = count;
      sent += count;
      letIn += Math.min(count, this.level);
    }
    const behind = !this.keptUp;
    this.found ||= !behind;
    if (behind && letIn > sent * MIN_PART) {
      this.level = Math.max(MIN_LEVEL, Math.min(this.level, max) * (this.found ? DOWN : START));
    } else if (!behind) this.level = this.level * UP + 1;
    this.calm = behind || max > this.level ? 0 : this.calm + 1;
    if (this.calm >= CALM_PERIODS || this.now() - this.began > CALM_PERIODS * PERIOD_MS) this.end();
    else this.nextPeriod();
  }

  private nextPeriod(): void {
    this.began = this.now();
    this.keptUp = false;
    this.counts.clear();
  }

  private end(): void {
    this.active = false;
    this.counts.clear();
    this.backlog = 0;
    this.events.ended?.(this.refused - this.before.refused, this.dropped - this.before.dropped);
  }
}
