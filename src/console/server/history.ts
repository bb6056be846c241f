import type { Destination, Health } from '../../engine/destination.js';
import type { StateChange } from '../../engine/state.js';
import { ProbeLine } from './probe-line.js';
import type { HistoryEntry, ProbePoint } from './wire.js';

/** State changes kept for each destination. */
const CHANGES = 50;

/** Result of a probe. Round trip in milliseconds, undefined without a reply. */
export interface ProbeAnswer {
  readonly code: number;
  readonly rtt?: number | undefined;
}

/**
 * The last state changes, and the probes of the last quarter of an hour, of every destination, as long as it is in its
 * table.
 */
export class History {
  private readonly changes = new WeakMap<Health, HistoryEntry[]>();
  private readonly probes = new WeakMap<Health, ProbeLine>();

  /** Adds a state change. */
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

  /** Adds the result of a probe; `time` in milliseconds since the epoch. */
  probed({ health }: Destination, { code, rtt }: ProbeAnswer, time: number): void {
    let line = this.probes.get(health);
    if (line === undefined) this.probes.set(health, (line = new ProbeLine()));
    line.add(time, rtt ?? -1, code);
  }

  /** State changes, newest last. */
  changesOf({ health }: Destination): readonly HistoryEntry[] {
    return this.changes.get(health) ?? [];
  }

  /** Probes, oldest first. */
  probesOf({ health }: Destination): ProbePoint[] {
    return this.probes.get(health)?.points() ?? [];
  }
}
