import type { SharedValues } from './shared-values.js';
import { shortKey } from './short-key.js';
import type { KeptValue, ValueMap } from './value-map.js';

/** Maximum number of keys. For further keys a process sees only its own count. */
const MAX_COUNTS = 200_000;
const TABLE = 'counts of processes';

/**
 * Counters by key that several processes share. Each process changes only its own part, which is removed when it ends.
 */
export class ProcessCounts {
  private readonly values: ValueMap<KeptValue>;
  /** The parts of this process, so that they are right even if the shared memory is full. */
  private readonly own = new Map<string, number>();

  constructor(
    shared: SharedValues,
    /** This process's ID. */
    private readonly pid = process.pid,
    private readonly max = MAX_COUNTS,
  ) {
    this.values = shared.lastingTable(TABLE, max);
  }

  /** Adds to this process's part. */
  add(name: string, by: number): void {
    const key = shortKey(name);
    const count = (this.own.get(key) ?? 0) + by;
    if (count === 0) this.own.delete(key);
    else this.own.set(key, count);
    this.values.alone(() => {
      const text = this.values.get(key, 0);
      // A new key must not evict another one.
      if (text === undefined && this.values.size >= this.max) return;
      const parts = partsOf(text);
      parts.set(this.pid, count);
      this.put(key, parts);
    });
  }

  /** The sum over all processes. */
  total(name: string): number {
    const key = shortKey(name);
    let sum = this.own.get(key) ?? 0;
    for (const [pid, count] of partsOf(this.values.get(key, 0))) if (pid !== this.pid) sum += count;
    return sum;
  }

  /** What one process has. */
  of(pid: number, name: string): number {
    return partsOf(this.values.get(shortKey(name), 0)).get(pid) ?? 0;
  }

  /** Removes the parts of a process that has ended. */
  ended(pid: number): void {
    for (const [key, text] of this.values.entries(0)) {
      // Only that process could have added it since.
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

/** Parses "123:4 567:8" (process ID and count). */
function partsOf(text: KeptValue | undefined): Map<number, number> {
  const parts = new Map<number, number>();
  if (typeof text !== 'string') return parts;
  for (const each of text.split(' ')) {
    const colon = each.indexOf(':');
    parts.set(Number(each.slice(0, colon)), Number(each.slice(colon + 1)));
  }
  return parts;
}
