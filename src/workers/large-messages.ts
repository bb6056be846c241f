/** Characters from which a message counts as large: few requests and replies of calls are. */
export const LARGE = 4096;
/** Characters of large messages that one process hands on a second, and at once. */
const PER_SECOND = 2 * 1024 * 1024;

/**
 * Bounds what handing on large messages costs: each is written, read and parsed again in two further processes, so that a sender who
 * names another process on purpose would have all of them work for one datagram. Messages below the size are not counted.
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

  /** Whether a message of so many characters may be handed on; it then counts. */
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
