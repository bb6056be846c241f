import type { Availability, Health, HealthState, LastChange, ProbeResult } from './destination.js';

/**
 * Health of a compiled destination. Hits are counted in an array of the set, by position, so that a selection among a
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

  /** Adds the count in the array to the hits of the destination, and resets it. */
  carry(): void {
    this.counted = this.hits;
    if (this.column !== undefined) this.column[this.at] = 0;
  }

  /** Whether hits are currently counted in this array. */
  isCountedIn(column: Uint32Array): boolean {
    return this.column === column;
  }

  /**
   * From now on counts hits at position `at` of an array; the count of the previous array is kept. A destination that
   * occurs twice in a set counts at its first position, which is returned also for the second.
   */
  countIn(column: Uint32Array, at: number): number {
    if (this.column === column) return this.at;
    this.carry();
    this.column = column;
    this.at = at;
    return at;
  }
}
