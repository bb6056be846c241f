/** Milliseconds over which the rate of datagrams is measured. */
const WINDOW_MS = 100;
/** Datagrams to collect per reading: nearly as many as one system call reads (`BATCH`). */
const TOGETHER = 48;
/** Datagrams per interval from which it pays to read at intervals, and below which it ends. */
const BEGIN_AT = 5;
const END_AT = 3;
/** A shorter interval is slept (`DatagramQueue`), since an event loop iteration would cost too much. */
export const MIN_INTERVAL_MS = 2;

/**
 * Decides how often datagram sockets are read at a middle rate. A thread that wakes up finds other code in the
 * processor's caches: at 200 calls a second that costs more than handling the messages, and as much for one message as
 * for ten. From about 500 datagrams a second on, the sockets are therefore read at intervals, so that up to 48 come
 * together. At lower rates too few would come together, so nothing waits.
 */
export class DatagramPace {
  /** Milliseconds between two readings; 0: read as soon as a datagram arrives. */
  intervalMs = 0;
  private began = Number.NEGATIVE_INFINITY;
  private count = 0;

  constructor(
    /** Milliseconds a datagram may wait; below 2: it never waits. */
    private readonly longestMs: number,
  ) {}

  /**
   * Reports the number of datagrams read together (maybe 0) at a monotonic time. Returns whether the interval has
   * changed.
   */
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
    if (wanted < MIN_INTERVAL_MS) return 0;
    // The rate always varies a little: for small changes the timer stays as it is.
    return this.intervalMs > 0 && Math.abs(wanted - this.intervalMs) <= 1 ? this.intervalMs : wanted;
  }
}
