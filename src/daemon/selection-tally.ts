import type { SelectionTally } from '../route/dispatcher/site.js';
import type { CounterFamily } from '../stats/metrics.js';

/** A tally that can also add several selections at once, as another process reports them. */
export interface CountingTally extends SelectionTally {
  selected(partition: string, count?: number): void;
  failed(partition: string, count?: number): void;
  forget(partition: string): void;
}

/** Counts selections by partition and result; the counters of a partition are looked up once. */
export function selectionTally(family: CounterFamily): CountingTally {
  const tallies = new Map<string, { ok: { value: number }; failed: { value: number } }>();
  const of = (partition: string) => {
    let tally = tallies.get(partition);
    if (tally === undefined) {
      tally = {
        ok: family.with({ partition, result: 'selected' }),
        failed: family.with({ partition, result: 'failed' }),
      };
      tallies.set(partition, tally);
    }
    return tally;
  };
  return {
    selected: (partition: string, count = 1) => {
      of(partition).ok.value += count;
    },
    failed: (partition: string, count = 1) => {
      of(partition).failed.value += count;
    },
    /** Call it when the family's counters are removed: a partition of that name may come back. */
    forget: (partition: string) => {
      tallies.delete(partition);
    },
  };
}
