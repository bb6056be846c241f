/** The clock, passed to those who need it, so that tests can control it. */
export interface Clock {
  /** Milliseconds since the epoch; may jump when the system clock is set. */
  now(): number;
  /** Milliseconds that never go backwards, from an arbitrary origin. Use for durations and deadlines. */
  monotonic(): number;
  /**
   * Runs `run` once after `delayMs` milliseconds; the returned function cancels it and may be called any number of
   * times.
   */
  schedule(delayMs: number, run: () => void): () => void;
}

/** Longest timer of Node; with a longer one it would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** The real clock. Its timers do not keep the process alive by themselves. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  schedule(delayMs, run) {
    const timer = setTimeout(run, Math.min(delayMs, LONGEST_TIMER));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
