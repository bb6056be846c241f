import { sourceKey } from './fair-share.js';

/** Datagrams read in full turns without a break that no socket's buffer holds: they come faster than they are handled. */
const BACKLOG = 8192;
/** Milliseconds for which requests are counted, and after which the level is looked at. */
const PERIOD_MS = 100;
/** The level is halved until we keep up, from then on a fifth less whenever we do not, else up a little (much as RFC 5681). */
const START = 0.5;
const DOWN = 0.8;
const UP = 1.1;
/** Requests a source may send in a period at least: a hundred calls a second. */
const LEAST_LEVEL = 30;
/** Part of what is sent that is let in at least: with less of it, turning away is what takes the time. */
const LEAST_PART = 1 / 8;
/** Times the level from which on nothing is read of what a source requests. */
const DEAF = 2;
/** Periods without anything refused after which it is over. */
const CALM_PERIODS = 20;

export interface CongestionEvents {
  /** Called when it begins. */
  begun?(): void;
  /** Called when it is over, with how many requests were refused and how many dropped unread. */
  ended?(refused: number, dropped: number): void;
}

/**
 * What to do when datagrams come faster than they can be handled. The system then drops those of everybody; so those are
 * turned away first, at little cost, who send the most. All sources may send the same number of requests, the level; it is
 * lowered until we keep up. Whoever sends less notices nothing. As long as we keep up, nothing is counted.
 */
export class Congestion {
  /** Whether requests are counted, and some refused. */
  active = false;
  /** Sources nothing is refused to. */
  trusted: { has(address: string): boolean } | undefined = undefined;
  /** Requests refused, and those dropped unread, since the start. */
  refused = 0;
  dropped = 0;
  private level = Number.POSITIVE_INFINITY;
  private readonly counts = new Map<string, number>();
  private backlog = 0;
  private began = 0;
  /** Whether a turn of this period has read all there was. */
  private keptUp = false;
  private calm = 0;
  /** Whether a level has been found at which we keep up. */
  private found = false;
  private before = { refused: 0, dropped: 0 };

  constructor(
    /** Monotonic milliseconds. */
    private readonly now: () => number,
    private readonly events: CongestionEvents = {},
  ) {}

  /** So many datagrams were handled together; `full`: others may have been left unread. */
  handled(datagrams: number, full: boolean): void {
    this.backlog = full ? this.backlog + datagrams : 0;
    if (!this.active) {
      if (this.backlog >= BACKLOG) this.begin();
      return;
    }
    if (!full) this.keptUp = true;
    if (this.now() - this.began >= PERIOD_MS) this.endPeriod();
  }

  /** While active: counts a message of a source, and tells whether it is to be dropped unread. Replies never are. */
  drops(text: string, address: string): boolean {
    if (text.startsWith('SIP/') || this.trusted?.has(address) === true) return false;
    const key = sourceKey(address);
    const count = (this.counts.get(key) ?? 0) + 1;
    this.counts.set(key, count);
    if (count <= DEAF * this.level) return false;
    this.dropped++;
    return true;
  }

  /** While active: whether a source may make no further request for now, and counts it then. */
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
    let most = 0;
    let sent = 0;
    let letIn = 0;
    for (const count of this.counts.values()) {
      if (count > most) most = count;
      sent += count;
      letIn += Math.min(count, this.level);
    }
    const behind = !this.keptUp;
    this.found ||= !behind;
    if (behind && letIn > sent * LEAST_PART) {
      this.level = Math.max(LEAST_LEVEL, Math.min(this.level, most) * (this.found ? DOWN : START));
    } else if (!behind) this.level = this.level * UP + 1;
    this.calm = behind || most > this.level ? 0 : this.calm + 1;
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
