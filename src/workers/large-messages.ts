/** Messages of at least so many characters count as large; few messages of calls do. */
export const LARGE = 4096;
/** Characters of large messages that a process passes on per second, and at once. */
const PER_SECOND = 2 * 1024 * 1024;

/**
 * Limits the cost of passing on large messages: each is written, read and parsed again in two more processes, and a
 * sender could make all of them work for one datagram by addressing the wrong process on purpose. Smaller messages are
 * not counted.
 */
export class LargeMessages {
  private left = PER_SECOND;
  private at: number;

  constructor(
    /** Monotonic milliseconds. */
    private readonly now: () => number,
  ) {
    this.at = now();
  }

  /** Whether a message of so many characters may be passed on; counts it if so. */
  take(characters: number): boolean {
    if (characters < LARGE) return true;
    const now = this.now();
    this.left = Math.min(PER_SECOND, this.left + ((now - this.at) * PER_SECOND) / 1000);
    this.at = now;
    if (characters > this.left) return false;
    this.left -= characters;
    return true;
  }
}
