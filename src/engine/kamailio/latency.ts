/** After so many answers the average no longer changes. */
const TRAINED = 10_000;
const MAX_COUNT = 2 ** 21;

/**
 * Latency statistics of one destination as in Kamailio 5.6, in milliseconds. The average stops changing once it is
 * steady. `estimate` follows the newest answers, so its distance from the average shows congestion.
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

  /** `preset`: the attribute latency=, used as a steady average. */
  constructor(preset?: number) {
    this.average = this.estimate = this.min = this.max = preset ?? 0;
    this.count = preset === undefined ? 0 : TRAINED;
  }

  /** Adds the round trip of an answered probe. `alpha`: weight of the past in the estimate, 0 to 1. */
  observe(latency: number, alpha: number): void {
    if (this.count < MAX_COUNT) this.count++;
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

  /** A copy of the figures, which later probes do not change. */
  copy(): LatencyEstimate {
    return Object.assign(new LatencyEstimate(), this);
  }

  /** Counts a probe without an answer in time. */
  timedOut(): void {
    this.timeouts++;
  }

  /** The estimate minus the average, in whole milliseconds; negative below the average. */
  get congestion(): number {
    return Math.trunc(this.estimate - this.average);
  }
}
