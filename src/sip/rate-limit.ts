import type { AddressSet } from './trusted-sources.js';

/** Requests a second from one source, and how many may come at once after a pause. */
export interface RateLimit {
  readonly perSecond: number;
  readonly burst: number;
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
  /** Requests refused. */
  refused = 0;
  private intervalMs: number;
  private toleranceMs: number;

  constructor(
    limit: RateLimit,
    /** Monotonic milliseconds. */
    private readonly now: () => number,
    /** Sources without a limit. */
    private readonly trusted: AddressSet | undefined = undefined,
    private readonly maxSources = MAX_SOURCES,
  ) {
    this.intervalMs = 0;
    this.toleranceMs = 0;
    this.configure(limit);
  }

  /**
   * Changes the limit; 0 a second means none, and forgets all sources. Otherwise tokens already used stay used, as far
   * as the new limit has as many.
   */
  configure({ perSecond, burst }: RateLimit): void {
    this.intervalMs = perSecond > 0 ? 1000 / perSecond : 0;
    this.toleranceMs = this.intervalMs * (Math.max(1, burst) - 1);
    if (this.intervalMs === 0) this.full.clear();
  }

  /** Number of sources stored. */
  get size(): number {
    return this.full.size;
  }

  /** Takes a token of a source. Returns 0, or, when it has none, the seconds until it has one. */
  take(source: string): number {
    const { intervalMs, toleranceMs, full } = this;
    if (intervalMs === 0 || this.trusted?.has(source) === true) return 0;
    const now = this.now();
    const known = full.get(source);
    // No more tokens can have been used than there are: those of an earlier limit may have taken longer to come back.
    const from = known === undefined || known < now ? now : Math.min(known, now + toleranceMs + intervalMs);
    const over = from - now - toleranceMs;
    // The times are sums of fractions, so a tiny excess is a rounding error.
    if (over > 1e-6) {
      this.refused++;
      if (from !== known) full.set(source, from);
      return Math.max(1, Math.ceil(over / 1000));
    }
    if (known === undefined && full.size >= this.maxSources) this.makeRoom(now);
    full.set(source, from + intervalMs);
    return 0;
  }

  private makeRoom(now: number): void {
    let looked = 0;
    let first: string | undefined;
    let removed = false;
    for (const [source, at] of this.full) {
      first ??= source;
      if (at <= now) {
        this.full.delete(source);
        removed = true;
      }
      if (++looked >= SWEEP) break;
    }
    if (!removed && first !== undefined) this.full.delete(first);
  }
}
