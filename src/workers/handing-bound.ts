import { SourceRateLimiter } from '../sip/rate-limit.js';
import type { AddressSet } from '../sip/trusted-sources.js';
import { LargeMessages } from './large-messages.js';

/** Messages of one source that a process hands on a second, and at once. */
const OF_A_SOURCE = 4000;
/** Messages of all sources together. */
const OF_ALL = 20_000;

/**
 * Bounds what one process hands on to others: each message is written, read and parsed again in two of them, and a sender chooses by
 * the Call-ID, or by where it writes it, that its messages are. Sources that are trusted are bounded together with all others only.
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

  /** Whether a message of so many characters of a source may be handed on; it then counts. */
  take(source: string, characters: number): boolean {
    return this.sources.take(source) === 0 && this.all.take('') === 0 && this.large.take(characters);
  }
}
