import { ProcessCounts } from '../../core/process-counts.js';
import type { SharedValues } from '../../core/shared-values.js';
import type { KeptValue, ValueMap } from '../../core/value-map.js';

/** Numbers of existing dialogs, by state. */
type Gauge = 'early' | 'active';
/** Numbers of dialogs since the start. */
type Sum = 'processed' | 'expired' | 'failed' | 'expiredSessions';

/** Numbers of dialogs: of this process, or of all that run the script. */
export class DialogCounters {
  private readonly own: Record<Gauge | Sum, number> = {
    processed: 0,
    expired: 0,
    failed: 0,
    expiredSessions: 0,
    early: 0,
    active: 0,
  };
  private counts: ProcessCounts | undefined = undefined;
  private sums: ValueMap<KeptValue> | undefined = undefined;

  /** From now on the numbers are shared with other processes. Must be called before there are dialogs. */
  share(values: SharedValues): void {
    this.counts ??= new ProcessCounts(values);
    this.sums = values.lastingTable('dialog statistics', 10);
  }

  /** Increases a number, or decreases it. */
  add(name: Gauge | Sum, by = 1): void {
    if (by === 0) return;
    this.own[name] += by;
    if (this.counts === undefined) return;
    if (isGauge(name)) this.counts.add(`dialogs ${name}`, by);
    else this.sums?.alone(() => this.sums?.set(name, this.value(name) + by, undefined));
  }

  /** The number for all processes. */
  value(name: Gauge | Sum): number {
    if (this.counts === undefined) return this.own[name];
    return isGauge(name) ? this.counts.total(`dialogs ${name}`) : Number(this.sums?.get(name, 0) ?? 0);
  }

  /** Sets a number to 0. */
  reset(name: Sum): void {
    this.own[name] = 0;
    this.sums?.delete(name);
  }

  /** A copy for this process alone. */
  copy(): DialogCounters {
    const copy = new DialogCounters();
    for (const name of Object.keys(this.own) as (Gauge | Sum)[]) copy.own[name] = this.value(name);
    return copy;
  }
}

function isGauge(name: Gauge | Sum): name is Gauge {
  return name === 'early' || name === 'active';
}
