/** Milliseconds over which the rate of datagrams is taken. */
const WINDOW_MS = 100;
/** Datagrams that are to come together: nearly what one call of the system reads (`BATCH`). */
const TOGETHER = 48;
/** Datagrams of an interval that are worth the wait, and those below which it ends. */
const BEGIN_AT = 5;
const END_AT = 3;
/** Shorter intervals are slept (`DatagramQueue`): an event loop iteration costs too much for them. */
export const LEAST_INTERVAL_MS = 2;

/**
 * How often datagram sockets are read at a middle rate. A thread that wakes finds the caches of the processor without its code:
 * at 200 calls a second that costs more than all work on the messages, and as much for one message as for ten. From some 500
 * datagrams a second on the sockets are therefore read at intervals, so that up to 48 come together; at a lower rate
 * nothing waits, as too few would come together.
 */
export class DatagramPace {
  /** Milliseconds between two readings; 0: as soon as a datagram arrives. */
  intervalMs = 0;
  private began = Number.NEGATIVE_INFINITY;
  private count = 0;

  constructor(
    /** Milliseconds a datagram waits at most; below 2: never. */
    private readonly longestMs: number,
  ) {}

  /** Reports datagrams that were read together, or that there were none, at a monotonic time. Returns whether the interval is another now. */
  handled(datagrams: number, at: number): boolean {
    this.count += datagrams;
    const elapsed = at - this.began;
    if (elapsed < WINDOW_MS) return false;
    const before = this.intervalMs;
    this.intervalMs = this.chosen(this.count / elapsed);
    this.count = 0;
    this.began = at;
    return this.intervalMs !== before;
  }

  private chosen(perMs: number): number {
    if (perMs * this.longestMs < (this.intervalMs > 0 ? END_AT : BEGIN_AT)) return 0;
    const wanted = Math.min(this.longestMs, Math.round(TOGETHER / perMs));
    if (wanted < LEAST_INTERVAL_MS) return 0;
    // A rate is never quite the same: the timer is left alone for small changes.
    return this.intervalMs > 0 && Math.abs(wanted - this.intervalMs) <= 1 ? this.intervalMs : wanted;
  }
}
