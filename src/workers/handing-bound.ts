import { SourceRateLimiter } from '../sip/rate-limit.js';
import type { AddressSet } from '../sip/trusted-sources.js';
import { LargeMessages } from './large-messages.js';

/** Messages of one source that a process passes on per second, and at once. */
const OF_A_SOURCE = 4000;
/** Messages a second that are passed on, of all sources together. */
const OF_ALL = 20_000;

/**
 * Limits what a process passes on to others. Each such message is written, read and parsed again in two processes, and
 * a sender can cause that by its choice of Call-ID, or of where it writes it. Trusted sources are limited only together
 * with all others.
 */
export class HandingBound {
  private readonly large: LargeMessages;
  private readonly sources: SourceRateLimiter;
  private readonly all: SourceRateLimiter;

  constructor(
    /** Monotonic milliseconds. */
    now: () => number,
    trusted: AddressSet,
  ) {
    this.large = new LargeMessages(now);
    this.sources = new SourceRateLimiter({ perSecond: OF_A_SOURCE, burst: OF_A_SOURCE }, now, trusted);
    this.all = new SourceRateLimiter({ perSecond: OF_ALL, burst: OF_ALL }, now);
  }

  /** Whether a source's message of so many characters may be passed on; counts it if so. */
  take(source: string, characters: number): boolean {
    return this.sources.take(source) === 0 && this.all.take('') === 0 && this.large.take(characters);
  }
}
