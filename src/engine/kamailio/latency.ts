/** Answers after which the average is taken for known, and no longer moves. */
const TRAINED = 10_000;
const MOST_COUNT = 2 ** 21;

/**
 * Latency statistics of one destination as Kamailio 5.6 keeps them, in milliseconds: an average that stops moving once it
 * is steady, so that `estimate`, which follows the newest answers, shows congestion as its distance from the average.
 */
export class LatencyEstimate {
  average: number;
  deviation = 0;
  estimate: number;
  min: number;
  max: number;
  count: number;
  timeouts = 0;
  private squares = 0;

  /** `preset`: the attribute latency=, taken for a trained average. */
  constructor(preset?: number) {
    this.average = this.estimate = this.min = this.max = preset ?? 0;
    this.count = preset === undefined ? 0 : TRAINED;
  }

  /** Takes in the round trip of one answered probe. `alpha`: weight of the past in the estimate, 0 to 1. */
  observe(latency: number, alpha: number): void {
    if (this.count < MOST_COUNT) this.count++;
    else this.squares -= this.squares / this.count;
    if (this.count === 1) {
      this.average = this.estimate = this.min = this.max = latency;
      this.deviation = this.squares = 0;
      return;
    }
    if (this.count > 10 && this.count < TRAINED && this.deviation < 0.5) this.count = TRAINED;
    if (latency < this.min) this.min = latency;
    if (latency > this.max) this.max = latency;
    const before = latency - this.average;
    this.average += before / this.count;
    this.squares += before * (latency - this.average);
    this.deviation = Math.sqrt(Math.max(0, this.squares) / (this.count - 1));
    this.estimate = this.count < 10 ? this.average : this.estimate * alpha + latency * (1 - alpha);
  }

  /** The figures as they are now, which later probes do not change. */
  copy(): LatencyEstimate {
    return Object.assign(new LatencyEstimate(), this);
  }

  /** A probe had no answer in time. */
  timedOut(): void {
    this.timeouts++;
  }

  /** Whole milliseconds the estimate is above the average; below it: negative. */
  get congestion(): number {
    return Math.trunc(this.estimate - this.average);
  }
}
