import type { Destination, Health } from '../../engine/destination.js';
import type { StateChange } from '../../engine/state.js';
import { ProbeLine } from './probe-line.js';
import type { HistoryEntry, ProbePoint } from './wire.js';

/** Changes of state that are kept for each destination. */
const CHANGES = 50;

/** What became of a probe. Round trip in milliseconds, undefined when nothing came back. */
export interface ProbeAnswer {
  readonly code: number;
  readonly rtt?: number | undefined;
}

/** The last changes of state and the probes of the last quarter of an hour of every destination, for as long as it stands in its table. */
export class History {
  private readonly changes = new WeakMap<Health, HistoryEntry[]>();
  private readonly probes = new WeakMap<Health, ProbeLine>();

  /** Keeps a change of state. */
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

  /** Keeps the outcome of a probe; `time` in milliseconds since the epoch. */
  probed({ health }: Destination, { code, rtt }: ProbeAnswer, time: number): void {
    let line = this.probes.get(health);
    if (line === undefined) this.probes.set(health, (line = new ProbeLine()));
    line.add(time, rtt ?? -1, code);
  }

  /** Newest last. */
  changesOf({ health }: Destination): readonly HistoryEntry[] {
    return this.changes.get(health) ?? [];
  }

  /** Oldest first. */
  probesOf({ health }: Destination): ProbePoint[] {
    return this.probes.get(health)?.points() ?? [];
  }
}
