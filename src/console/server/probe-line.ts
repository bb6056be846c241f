import type { ProbePoint } from './wire.js';

/** Points that are kept. */
const POINTS = 160;
/** Milliseconds that the points cover where probes come often: those of the page's line. */
const COVERED = 15 * 60_000;
/** The newest points, which stand as they were. */
const RECENT = 30;
/** Milliseconds between older points: so many of them cover the time. */
const APART = COVERED / (POINTS - RECENT - 10);

/**
 * The probes of one destination. The newest stand as they were. Where they come more often than the line has points, the
 * older ones of some seconds are one point: the worst of them, an answer that was missed or the longest round trip.
 */
export class ProbeLine {
  private readonly times = new Float64Array(POINTS);
  /** Round trip, -1 for none, and code, one after the other. */
  private readonly values = new Float32Array(2 * POINTS);
  private count = 0;

  /** A probe that ended at `time`, not before those that were added. */
  add(time: number, rtt: number, code: number): void {
    if (this.count === POINTS) this.thin();
    this.set(this.count++, time, rtt, code);
  }

  /** Oldest first. */
  points(): ProbePoint[] {
    return Array.from({ length: this.count }, (_, i) => {
      // A 32-bit number has more digits than were measured.
      const rtt = Math.round((this.values[2 * i] as number) * 100) / 100;
      return [this.times[i] as number, rtt, this.values[2 * i + 1] as number] as const;
    });
  }

  /** Makes room: joins older points that stand close together; where none do, the oldest goes. */
  private thin(): void {
    const { times, values, count } = this;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const [time, rtt, code] = [times[i] as number, values[2 * i] as number, values[2 * i + 1] as number];
      const last = kept - 1;
      const joins = last >= 0 && i < count - RECENT && time - (times[last] as number) < APART;
      // The point keeps the time of its first probe, so that joined points do not wander.
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
