import type { Destination, Health } from '../../engine/destination.js';
import type { StateChange } from '../../engine/state.js';
import type { HistoryEntry, ProbePoint } from './wire.js';

/** Changes of state and probes that are kept for each destination. */
const CHANGES = 50;
const PROBES = 120;
/** Numbers of one probe: time, round trip, code. */
const WIDTH = 3;

/** What became of a probe. Round trip in milliseconds, undefined when nothing came back. */
export interface ProbeOutcome {
  readonly code: number;
  readonly rtt?: number | undefined;
}

/** The last changes of state and the last probes of every destination, for as long as it stands in its table. */
export class History {
  private readonly changes = new WeakMap<Health, HistoryEntry[]>();
  private readonly probes = new WeakMap<Health, { readonly points: Float64Array; next: number }>();

  changed(change: StateChange): void {
    const { destination, time, state, previous, reason, origin, code, cause } = change;
    const kept = this.changes.get(destination.health) ?? [];
    if (kept.length === 0) this.changes.set(destination.health, kept);
    else if (kept.length === CHANGES) kept.shift();
    kept.push({
      time,
      state,
      previous,
      reason,
      origin,
      ...(code === undefined ? {} : { code }),
      ...(cause === undefined ? {} : { cause }),
    });
  }

  probed({ health }: Destination, { code, rtt }: ProbeOutcome, time: number): void {
    let ring = this.probes.get(health);
    if (ring === undefined) this.probes.set(health, (ring = { points: new Float64Array(PROBES * WIDTH), next: 0 }));
    const at = (ring.next++ % PROBES) * WIDTH;
    ring.points[at] = time;
    ring.points[at + 1] = rtt ?? -1;
    ring.points[at + 2] = code;
  }

  /** Newest last. */
  changesOf({ health }: Destination): readonly HistoryEntry[] {
    return this.changes.get(health) ?? [];
  }

  /** Oldest first. */
  probesOf({ health }: Destination): ProbePoint[] {
    const ring = this.probes.get(health);
    if (ring === undefined) return [];
    const count = Math.min(ring.next, PROBES);
    return Array.from({ length: count }, (_, i) => {
      const at = ((ring.next - count + i) % PROBES) * WIDTH;
      return [ring.points[at] as number, ring.points[at + 1] as number, ring.points[at + 2] as number] as const;
    });
  }
}
