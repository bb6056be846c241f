import type { Clock } from './clock.js';

/**
 * A clock whose monotonic time may be held: what is done for the messages that came together then happens at one time, and
 * the system's clock is read once for all of them. Reading it costs a tenth of a microsecond, and a call reads it fifteen times.
 */
export class HeldClock implements Clock {
  private isHeld = false;
  /** The time held; NaN until it is asked for. */
  private time = Number.NaN;

  constructor(private readonly real: Clock) {}

  /** From now on the time stands still; one that stood still before is forgotten. */
  hold(): void {
    this.isHeld = true;
    this.time = Number.NaN;
  }

  /** Time goes on. */
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
