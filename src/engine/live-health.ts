import type { Availability, Health, HealthState, LastChange, ProbeResult } from './destination.js';

/**
 * Health of a compiled destination. Selections count in a column of their set, by position, so that a choice among a
 * hundred thousand destinations touches no object; `hits` adds that count.
 */
export class LiveHealth implements Health {
  failures = 0;
  seq = 0;
  lastChange: LastChange | undefined = undefined;
  lastProbe: ProbeResult | undefined = undefined;
  weight: number | undefined = undefined;
  dirty = false;
  scriptAttrs: string | undefined = undefined;
  own: object | undefined = undefined;
  private counted = 0;
  private column: Uint32Array | undefined = undefined;
  private at = 0;

  constructor(
    public state: HealthState,
    readonly availability: Availability | undefined,
  ) {}

  get hits(): number {
    return this.counted + (this.column === undefined ? 0 : (this.column[this.at] as number));
  }

  set hits(value: number) {
    this.counted += value - this.hits;
  }

  /** Adds the count of the column to that of the destination, and sets the column to 0: it stops counting for a while. */
  carry(): void {
    this.counted = this.hits;
    if (this.column !== undefined) this.column[this.at] = 0;
  }

  /** Whether hits are counted in this column now. */
  isCountedIn(column: Uint32Array): boolean {
    return this.column === column;
  }

  /**
   * Counts selections at position `at` of a column from now on; what the previous column counted is kept. A destination
   * that stands twice in a set has one position: the first one, which is returned for the second.
   */
  countIn(column: Uint32Array, at: number): number {
    if (this.column === column) return this.at;
    this.carry();
    this.column = column;
    this.at = at;
    return at;
  }
}
