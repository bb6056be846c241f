import type { Clock } from './clock.js';

/**
 * A clock whose monotonic time can be stopped. While the messages of one round are handled, all get the same time, and
 * the system's clock is read once: reading it takes 0.1 µs, and a call would read it fifteen times.
 */
export class HeldClock implements Clock {
  private isHeld = false;
  /** The stopped time; NaN until it is read. */
  private time = Number.NaN;

  constructor(private readonly real: Clock) {}

  /** Stops the time from now on, also if it was stopped before. */
  hold(): void {
    this.isHeld = true;
    this.time = Number.NaN;
  }

  /** Lets the time go on. */
  release(): void {
    this.isHeld = false;
  }

  now(): number {
    return this.real.now();
  }

  monotonic(): number {
    if (!this.isHeld) return this.real.monotonic();
    if (Number.isNaN(this.time)) this.time = this.real.monotonic();
    return this.time;
  }

  schedule(delayMs: number, run: () => void): () => void {
    return this.real.schedule(delayMs, run);
  }
}
