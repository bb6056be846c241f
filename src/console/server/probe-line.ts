import type { ProbePoint } from './wire.js';

/** Maximum number of points. */
const POINTS = 160;
/** Milliseconds that the points cover when probes are frequent, as wide as the page's chart. */
const COVERED = 15 * 60_000;
/** Number of newest points that are never joined. */
const RECENT = 30;
/** Milliseconds between older points, so that they cover the time. */
const APART = COVERED / (POINTS - RECENT - 10);

/**
 * The probes of one destination for a chart. The newest are kept as they are. When probes are so frequent that there
 * are too many points, older ones of some seconds are joined to the worst of them: a missed answer or the longest round
 * trip.
 */
export class ProbeLine {
  private readonly times = new Float64Array(POINTS);
  /** Pairs of round trip (-1: none) and code. */
  private readonly values = new Float32Array(2 * POINTS);
  private count = 0;

  /** Adds a probe that ended at `time`; times must ascend. */
  add(time: number, rtt: number, code: number): void {
    if (this.count === POINTS) this.thin();
    this.set(this.count++, time, rtt, code);
  }

  /** The points, oldest first. */
  points(): ProbePoint[] {
    return Array.from({ length: this.count }, (_, i) => {
      // Rounded, since a 32-bit number shows more digits than were measured.
      const rtt = Math.round((this.values[2 * i] as number) * 100) / 100;
      return [this.times[i] as number, rtt, this.values[2 * i + 1] as number] as const;
    });
  }

  /** Makes room: joins older points that are close together, else removes the oldest. */
  private thin(): void {
    const { times, values, count } = this;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const [time, rtt, code] = [times[i] as number, values[2 * i] as number, values[2 * i + 1] as number];
      const last = kept - 1;
      const joins = last >= 0 && i < count - RECENT && time - (times[last] as number) < APART;
      // A joined point keeps the time of its first probe, so that points do not move.
      if (!joins) this.set(kept++, time, rtt, code);
      else if (isWorse(rtt, values[2 * last] as number)) this.set(last, times[last] as number, rtt, code);
    }
    if (kept === count) {
      times.copyWithin(0, 1);
      values.copyWithin(0, 2);
      kept--;
    }
    this.count = kept;
  }

  private set(at: number, time: number, rtt: number, code: number): void {
    this.times[at] = time;
    this.values[2 * at] = rtt;
    this.values[2 * at + 1] = code;
  }
}

function isWorse(rtt: number, than: number): boolean {
  return than >= 0 && (rtt < 0 || rtt > than);
}
