import type { Tally } from '../sip/transaction/counters.js';
import { COUNTERS, headOf, MAX_COUNTERS } from './shared-layout.js';

/** The counters of a worker in shared memory: the worker writes them, and the brain adds the differences. */
export class SharedCounters {
  private readonly words: Int32Array;
  /** The values read last. */
  private readonly last = new Int32Array(MAX_COUNTERS);

  constructor(memory: ArrayBufferLike, worker: number) {
    const at = COUNTERS + MAX_COUNTERS * worker;
    this.words = headOf(memory).subarray(at, at + MAX_COUNTERS);
  }

  /** Writes the counters, modulo 2^32. Returns whether any has changed. */
  publish(counters: readonly Tally[]): boolean {
    const { words } = this;
    let changed = false;
    for (let i = 0; i < counters.length; i++) {
      const value = (counters[i] as Tally).value | 0;
      if (words[i] === value) continue;
      words[i] = value;
      changed = true;
    }
    return changed;
  }

  /** Adds the differences since the last call. Returns whether there were any. */
  takeInto(totals: readonly Tally[]): boolean {
    const { words, last } = this;
    let changed = false;
    for (let i = 0; i < totals.length; i++) {
      const value = words[i] as number;
      const added = (value - (last[i] as number)) | 0;
      if (added === 0) continue;
      last[i] = value;
      (totals[i] as Tally).value += added;
      changed = true;
    }
    return changed;
  }

  /** Another process counts from zero. */
  clear(): void {
    this.words.fill(0);
    this.last.fill(0);
  }
}
