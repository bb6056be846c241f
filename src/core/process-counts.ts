import type { SharedValues } from './shared-values.js';
import { shortKey } from './short-key.js';
import type { KeptValue, ValueMap } from './value-map.js';

/** Keys at most. Where there are more a process sees its own part of the further ones only. */
const MOST = 200_000;
const TABLE = 'counts of processes';

/** Numbers by key that several processes add to and take from: each its own part, which goes with it when it ends. */
export class ProcessCounts {
  private readonly values: ValueMap<KeptValue>;
  /** What this process has, so that its part is right whatever becomes of the memory. */
  private readonly own = new Map<string, number>();

  constructor(
    shared: SharedValues,
    /** The id of this process. */
    private readonly pid = process.pid,
    private readonly most = MOST,
  ) {
    this.values = shared.lastingTable(TABLE, most);
  }

  /** Adds to what this process has. */
  add(name: string, by: number): void {
    const key = shortKey(name);
    const count = (this.own.get(key) ?? 0) + by;
    if (count === 0) this.own.delete(key);
    else this.own.set(key, count);
    this.values.alone(() => {
      const text = this.values.get(key, 0);
      // A new key must not take the room of another one.
      if (text === undefined && this.values.size >= this.most) return;
      const parts = partsOf(text);
      parts.set(this.pid, count);
      this.put(key, parts);
    });
  }

  /** What all processes have together. */
  total(name: string): number {
    const key = shortKey(name);
    let sum = this.own.get(key) ?? 0;
    for (const [pid, count] of partsOf(this.values.get(key, 0))) if (pid !== this.pid) sum += count;
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
