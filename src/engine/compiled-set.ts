import type { Availability, Destination } from './destination.js';
import type { DestinationSet } from './partition.js';

/** No destination: nothing usable is left. */
export const NONE = -1;

/**
 * A set compiled for selection. Running weights are summed once; what depends on availability (which positions are
 * active, their running weights) is rebuilt when first asked for after a destination became usable or unusable, so a
 * selection costs a binary search however many destinations are down.
 *
 * `end` in the methods below is the number of positions that take part: all, or all but the last (the default).
 */
export class CompiledSet implements DestinationSet {
  /** Position last chosen by any algorithm, where round robin goes on. */
  last = 0;
  private readonly running: Float64Array;
  private readonly activeAt: Int32Array;
  private readonly activeRunning: Float64Array;
  private activeCount = 0;
  private seen: number;
  private taken: Int32Array | undefined;

  constructor(
    readonly id: number,
    readonly destinations: readonly Destination[],
    readonly availability: Availability,
  ) {
    const n = destinations.length;
    this.running = new Float64Array(n);
    this.activeAt = new Int32Array(n);
    this.activeRunning = new Float64Array(n);
    let sum = 0;
    for (let i = 0; i < n; i++) {
      sum += (destinations[i] as Destination).row.weight;
      this.running[i] = sum;
    }
    this.seen = availability.version - 1;
  }

  /** Whether the destination at `position` may be selected. */
  isActive(position: number): boolean {
    return (this.destinations[position] as Destination).health.state === 'active';
  }

  /** Number of active destinations before position `end`. */
  activeBefore(end: number): number {
    if (this.seen !== this.availability.version) this.rebuild();
    const count = this.activeCount;
    if (end >= this.destinations.length || count === 0) return count;
    return lowerBound(this.activeAt, count, end);
  }

  /** The first active position from `from` on, before `end`; NONE when there is none. */
  nextActive(from: number, end: number): number {
    if (from >= end) return NONE;
    if (this.isActive(from)) return from;
    if (this.seen !== this.availability.version) this.rebuild();
    const i = lowerBound(this.activeAt, this.activeCount, from);
    if (i === this.activeCount) return NONE;
    const position = this.activeAt[i] as number;
    return position < end ? position : NONE;
  }

  /** `candidate` when it is active, else the next active position after it, wrapping round before `end`. */
  stepToActive(candidate: number, end: number): number {
    if (this.isActive(candidate)) return candidate;
    const start = (candidate + 1) % end;
    const found = this.nextActive(start, end);
    return found !== NONE || start === 0 ? found : this.nextActive(0, end);
  }

  /**
   * The position a hash falls on by weight, over all positions first; when that one is down, over the active ones alone.
   * Where all weights are 0 positions are counted instead.
   */
  byHash(hash: number, end: number): number {
    const total = this.running[end - 1] as number;
    const candidate = total > 0 ? upperBound(this.running, end, hash % total) : hash % end;
    if (this.isActive(candidate)) return candidate;
    const count = this.activeBefore(end);
    if (count === 0) return NONE;
    const activeTotal = this.activeRunning[count - 1] as number;
    const i = activeTotal > 0 ? upperBound(this.activeRunning, count, hash % activeTotal) : hash % count;
    return this.activeAt[i] as number;
  }

  /**
   * Where weighted round robin goes next, available or not: it stays on the position last chosen until that was taken
   * `weight` times in a row by round robin, then goes one on.
   */
  roundRobin(end: number): number {
    const taken = this.taken ?? (this.taken = new Int32Array(this.destinations.length));
    const last = this.last;
    if ((taken[last] as number) < (this.destinations[last] as Destination).row.weight) return last;
    taken[last] = 0;
    return (last + 1) % end;
  }

  /** Counts one turn of round robin at `position`. */
  countTurn(position: number): void {
    const taken = this.taken ?? (this.taken = new Int32Array(this.destinations.length));
    taken[position] = (taken[position] as number) + 1;
  }

  /** Goes on where `earlier`, the same set as loaded before, stands: position and turns of what is still there. */
  continueFrom(earlier: CompiledSet): void {
    const lastKey = earlier.destinations[earlier.last]?.key;
    let turns: Map<string, number> | undefined;
    if (earlier.taken !== undefined) {
      turns = new Map();
      for (let i = 0; i < earlier.taken.length; i++) {
        const count = earlier.taken[i] as number;
        if (count > 0) turns.set((earlier.destinations[i] as Destination).key, count);
      }
    }
    let found = false;
    for (let i = 0; i < this.destinations.length; i++) {
      const key = (this.destinations[i] as Destination).key;
      if (!found && key === lastKey) {
        this.last = i;
        found = true;
      }
      const count = turns?.get(key);
      if (count !== undefined) {
        this.taken ??= new Int32Array(this.destinations.length);
        this.taken[i] = count;
      }
    }
  }

  private rebuild(): void {
    const { destinations, activeAt, activeRunning } = this;
    let count = 0;
    let sum = 0;
    for (let i = 0; i < destinations.length; i++) {
      const destination = destinations[i] as Destination;
      if (destination.health.state !== 'active') continue;
      sum += destination.row.weight;
      activeAt[count] = i;
      activeRunning[count] = sum;
      count++;
    }
    this.activeCount = count;
    this.seen = this.availability.version;
  }
}

/** Index of the first of `count` ascending sums that exceeds `value`; the last index when none does. */
function upperBound(sums: Float64Array, count: number, value: number): number {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sums[middle] as number) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Index of the first of `count` ascending positions that is not below `value`; `count` when all are. */
function lowerBound(positions: Int32Array, count: number, value: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((positions[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
