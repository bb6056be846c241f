import type { Clock } from '../core/clock.js';

/** Milliseconds the clocks may drift apart before the system clock counts as set. */
const DRIFT = 1000;

/** When the process began, by the system clock as it is set now: the time since then is right whatever was set meanwhile. */
export class StartTime {
  private readonly began: number;
  private reported: number;

  constructor(private readonly clock: Clock) {
    this.began = clock.monotonic();
    this.reported = clock.now();
  }

  /** Milliseconds since the epoch; the same at each look unless the clock was set. */
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
