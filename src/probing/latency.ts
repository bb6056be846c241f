/** Round trip times of a destination's probes, in milliseconds. */
export interface LatencyFigures {
  readonly last: number;
  readonly average: number;
  /** Standard deviation. */
  readonly deviation: number;
  /** Exponentially weighted moving average; the newest value has the weight ALPHA. */
  readonly ewma: number;
  readonly max: number;
  /** Probes that were answered. */
  readonly count: number;
  /** Probes that were not answered in time. */
  readonly timeouts: number;
}

/** Weight of the newest round trip in the moving average. */
const ALPHA = 0.1;
/**
 * After this many probes, the newest counts 1/MEMORY in average and deviation, so that a change still shows after
 * weeks.
 */
const MEMORY = 10_000;

/** Computes the figures from each round trip without storing the values (Welford's method for the deviation). */
export class Latency implements LatencyFigures {
  last = 0;
  average = 0;
  ewma = 0;
  max = 0;
  count = 0;
  timeouts = 0;
  private squares = 0;

  /** Counts a round trip in milliseconds. */
  observe(rtt: number): void {
    this.last = rtt;
    this.ewma = this.count === 0 ? rtt : this.ewma + ALPHA * (rtt - this.ewma);
    if (rtt > this.max) this.max = rtt;
    this.count++;
    const weight = Math.min(this.count, MEMORY);
    const before = rtt - this.average;
    this.average += before / weight;
    if (this.count > MEMORY) this.squares -= this.squares / MEMORY;
    this.squares += before * (rtt - this.average);
  }

  /** Counts a probe without an answer. */
  timedOut(): void {
    this.timeouts++;
  }

  get deviation(): number {
    const weight = Math.min(this.count, MEMORY);
    return weight < 2 ? 0 : Math.sqrt(Math.max(0, this.squares) / weight);
  }
}
