import type { Clock } from '../core/clock.js';

/**
 * A clock whose timers can all be cancelled with `end()`, so that no timer of a copied daemon (explain) outlives it.
 */
export class EndingClock implements Clock {
  private readonly pending = new Set<() => void>();
  private ended = false;

  constructor(private readonly clock: Clock) {}

  now(): number {
    return this.clock.now();
  }

  monotonic(): number {
    return this.clock.monotonic();
  }

  schedule(delayMs: number, run: () => void): () => void {
    if (this.ended) return () => undefined;
    const cancel = this.clock.schedule(delayMs, () => {
      this.pending.delete(cancel);
      run();
    });
    this.pending.add(cancel);
    return () => {
      this.pending.delete(cancel);
      cancel();
    };
  }

  /** Cancels all timers; timers set later never run. */
  end(): void {
    this.ended = true;
    for (const cancel of this.pending) cancel();
    this.pending.clear();
  }
}
