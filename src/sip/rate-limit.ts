import type { AddressSet } from './trusted-sources.js';

/** Requests a second from one source, and how many may come at once after a pause. */
export interface RateLimit {
  readonly perSecond: number;
  readonly burst: number;
}

/** A limit in milliseconds: the time for one token, and for all tokens but one; both 0 without a limit. */
interface TokenTimes {
  readonly intervalMs: number;
  readonly toleranceMs: number;
}

/** The times of a limit. */
export function tokenTimes({ perSecond, burst }: RateLimit): TokenTimes {
  const intervalMs = perSecond > 0 ? 1000 / perSecond : 0;
  return { intervalMs, toleranceMs: intervalMs * (Math.max(1, burst) - 1) };
}

/**
 * The time when a bucket is full again under the current limit. At most all tokens can have been used: under an earlier
 * limit they may have taken longer to come back.
 */
export function fullAt(known: number, now: number, intervalMs: number, toleranceMs: number): number {
  return Math.min(Math.max(known, now), now + toleranceMs + intervalMs);
}

/** The seconds until a bucket that is full at `full` has a token; 0: it has one now. */
export function secondsToToken(full: number, now: number, toleranceMs: number): number {
  const over = full - now - toleranceMs;
  // The times are sums of fractions, so a tiny excess is a rounding error.
  return over > 1e-6 ? Math.max(1, Math.ceil(over / 1000)) : 0;
}

/** Maximum number of sources stored, at about 100 bytes each. */
const MAX_SOURCES = 65_536;
/** Oldest sources examined to make room for a new one. */
const SWEEP = 4;

/**
 * A token bucket for each source address, kept as one number: the time at which the bucket will be full again (generic
 * cell rate algorithm). A full bucket needs no entry, and is removed when room is needed. When there are too many
 * sources, the oldest entry is removed, so that memory stays bounded for any traffic.
 */
export class SourceRateLimiter {
  /** The time in milliseconds when each source's bucket will be full, in the order in which the sources came. */
  private readonly full = new Map<string, number>();
  /**
   * Iterates over the sources in the same order. It is reused, since a new iterator would first skip all removed
   * entries.
   */
  private cursor = this.full.keys();
  /** Sources read from the cursor and not removed yet: the oldest ones. */
  private oldest: string[] = [];
  /** Requests refused. */
  refused = 0;
  private times: TokenTimes;

  constructor(
    limit: RateLimit,
    /** Monotonic milliseconds. */
    private readonly now: () => number,
    /** Sources without a limit. */
    private readonly trusted: AddressSet | undefined = undefined,
    private readonly maxSources = MAX_SOURCES,
  ) {
    this.times = tokenTimes(limit);
  }

  /**
   * Changes the limit; 0 a second means none, and forgets all sources. Otherwise tokens already used remain used, up to
   * the number that the new limit has.
   */
  configure(limit: RateLimit): void {
    this.times = tokenTimes(limit);
    if (this.times.intervalMs > 0) return;
    this.full.clear();
    this.cursor = this.full.keys();
    this.oldest = [];
  }

  /** Number of sources stored. */
  get size(): number {
    return this.full.size;
  }

  /** Takes a token of a source. Returns 0, or, when it has none, the seconds until it has one. */
  take(source: string): number {
    const { full } = this;
    const { intervalMs, toleranceMs } = this.times;
    if (intervalMs === 0 || this.trusted?.has(source) === true) return 0;
    const now = this.now();
    const known = full.get(source);
    const from = fullAt(known ?? now, now, intervalMs, toleranceMs);
    const wait = secondsToToken(from, now, toleranceMs);
    if (wait > 0) {
      this.refused++;
      if (from !== known) full.set(source, from);
      return wait;
    }
    if (known === undefined && full.size >= this.maxSources) this.makeRoom(now);
    full.set(source, from + intervalMs);
    return 0;
  }

  private makeRoom(now: number): void {
    const { full } = this;
    while (this.oldest.length < Math.min(SWEEP, full.size)) {
      const next = this.cursor.next();
      if (next.done !== true) this.oldest.push(next.value);
      else {
        this.cursor = full.keys();
        this.oldest = [];
      }
    }
    const ended = this.oldest.filter((source) => (full.get(source) as number) <= now);
    for (const source of ended.length > 0 ? ended : this.oldest.slice(0, 1)) full.delete(source);
    this.oldest = this.oldest.filter((source) => full.has(source));
  }
}
