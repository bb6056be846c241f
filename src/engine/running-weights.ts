/** With more entries than this, a guide table is faster. */
const SMALL = 8;

/**
 * Cumulative weights and the search in them: entry i covers the values from the sum before it up to its own sum. Equal
 * weights need no table. Otherwise a guide table, with one entry for each equal part of the total, says where to begin:
 * a search usually takes one or two steps, and with very unequal weights as many as a binary search.
 */
export class RunningWeights {
  /** Number of entries. */
  count = 0;
  /** The weight of each entry while all are equal. */
  private equal = 0;
  private sums: Float64Array | undefined = undefined;
  private guide: Int32Array | undefined = undefined;
  private scale = 0;

  constructor(private readonly capacity: number) {}

  /** Removes all weights. */
  clear(): void {
    this.count = 0;
    this.sums = undefined;
  }

  /** Appends a weight. While all weights are equal, no array is made. */
  add(weight: number): void {
    const { count } = this;
    if (count === 0) this.equal = weight;
    else if (this.sums === undefined && weight !== this.equal) {
      this.sums = new Float64Array(this.capacity);
      for (let i = 0; i < count; i++) this.sums[i] = this.equal * (i + 1);
    }
    if (this.sums !== undefined) this.sums[count] = (this.sums[count - 1] as number) + weight;
    this.count = count + 1;
  }

  /** Must be called after the last `add` and before `find`. */
  finish(): void {
    const { sums, count } = this;
    const total = this.totalOf(count);
    if (sums === undefined || count <= SMALL || total <= 0) {
      this.guide = undefined;
      return;
    }
    if (this.guide?.length !== this.capacity + 1) this.guide = new Int32Array(this.capacity + 1);
    const { guide } = this;
    this.scale = count / total;
    let i = 0;
    for (let share = 0; share < count; share++) {
      const value = share / this.scale;
      while (i < count - 1 && (sums[i] as number) <= value) i++;
      guide[share] = i;
    }
    guide[count] = count - 1;
  }

  /** Sum of the first `count` weights. */
  totalOf(count: number): number {
    if (count === 0) return 0;
    return this.sums === undefined ? this.equal * count : (this.sums[count - 1] as number);
  }

  /** The first entry whose sum exceeds `value`, which must be from 0 to below the total. */
  find(value: number): number {
    const { sums, guide } = this;
    if (sums === undefined) return Math.floor(value / this.equal);
    let low = 0;
    let high = this.count - 1;
    if (guide !== undefined) {
      const share = (value * this.scale) | 0;
      low = guide[share] as number;
      high = guide[share + 1] as number;
      // The boundaries in the guide table are rounded, so the entry may be just outside.
      while (low > 0 && (sums[low - 1] as number) > value) low--;
      if ((sums[high] as number) <= value) high = this.count - 1;
    }
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sums[middle] as number) > value) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** `hash` modulo `total`, which may exceed 32 bits. Uses integer division where possible. */
export function hashModulo(hash: number, total: number): number {
  return total <= 0xffffffff ? (hash >>> 0) % (total >>> 0) : (hash >>> 0) % total;
}
