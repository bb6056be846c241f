import type { Clock } from '../core/clock.js';

/** Milliseconds by which the clocks may differ before the system clock counts as having been set. */
const DRIFT = 1000;

/** When the process began, by the current system clock: the uptime is right even if the clock was set. */
export class StartTime {
  private readonly began: number;
  private reported: number;

  constructor(private readonly clock: Clock) {
    this.began = clock.monotonic();
    this.reported = clock.now();
  }

  /** Milliseconds since the epoch; constant unless the clock was set. */
  get at(): number {
    const at = this.clock.now() - (this.clock.monotonic() - this.began);
    if (Math.abs(at - this.reported) > DRIFT) this.reported = Math.round(at);
    return this.reported;
  }

  /** Whole seconds since then. */
  get seconds(): number {
    return Math.floor((this.clock.monotonic() - this.began) / 1000);
  }
}
