import type { SelectionTally } from '../route/dispatcher/site.js';

/** Counts selections by partition and result until they are reported. */
export class SelectionCounts implements SelectionTally {
  private readonly counts = new Map<string, [succeeded: number, failed: number]>();

  /** Number of partitions with counts. */
  get size(): number {
    return this.counts.size;
  }

  /** A selection in a partition succeeded. */
  selected(partition: string): void {
    this.of(partition)[0]++;
  }

  /** A selection in a partition failed. */
  failed(partition: string): void {
    this.of(partition)[1]++;
  }

  /** Returns the counts and resets them. */
  take(): readonly (readonly [partition: string, succeeded: number, failed: number])[] {
    const all = [...this.counts].map(([partition, [succeeded, failed]]) => [partition, succeeded, failed] as const);
    this.counts.clear();
    return all;
  }

  private of(partition: string): [number, number] {
    let counts = this.counts.get(partition);
    if (counts === undefined) {
      counts = [0, 0];
      this.counts.set(partition, counts);
    }
    return counts;
  }
}
