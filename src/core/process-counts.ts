import type { SharedValues } from './shared-values.js';
import type { KeptValue, ValueMap } from './value-map.js';

/** Keys at most. */
const MOST = 200_000;
const TABLE = 'counts of processes';

/**
 * Numbers by key that several processes add to and take from: each its own part, which goes with it when it ends. Keys are long at most as a name
 * and a value of a script.
 */
export class ProcessCounts {
  private readonly values: ValueMap<KeptValue>;

  constructor(
    shared: SharedValues,
    /** The id of this process. */
    private readonly pid = process.pid,
  ) {
    this.values = shared.table(TABLE, MOST);
  }

  /** Adds to what this process has. */
  add(key: string, by: number): void {
    this.values.alone(() => {
      const parts = partsOf(this.values.get(key, 0));
      parts.set(this.pid, (parts.get(this.pid) ?? 0) + by);
      this.put(key, parts);
    });
  }

  /** What all processes have together. */
  total(key: string): number {
    let sum = 0;
    for (const count of partsOf(this.values.get(key, 0)).values()) sum += count;
    return sum;
  }

  /** A process has ended with what it counted. */
  ended(pid: number): void {
    for (const [key, text] of this.values.entries(0)) {
      // Only that process could add it since.
      if (!partsOf(text).has(pid)) continue;
      this.values.alone(() => {
        const parts = partsOf(this.values.get(key, 0));
        if (parts.delete(pid)) this.put(key, parts);
      });
    }
  }

  private put(key: string, parts: ReadonlyMap<number, number>): void {
    const text = [...parts].filter(([, count]) => count !== 0).map(([pid, count]) => `${pid}:${count}`);
    if (text.length === 0) this.values.delete(key);
    else this.values.set(key, text.join(' '), undefined);
  }
}

/** "123:4 567:8". */
function partsOf(text: KeptValue | undefined): Map<number, number> {
  const parts = new Map<number, number>();
  if (typeof text !== 'string') return parts;
  for (const each of text.split(' ')) {
    const colon = each.indexOf(':');
    parts.set(Number(each.slice(0, colon)), Number(each.slice(colon + 1)));
  }
  return parts;
}
