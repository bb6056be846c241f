/** Entries above which a guide table pays. */
const SMALL = 8;

/**
 * Running weights and the search in them: entry i covers the values from the sum before it up to its own sum. Equal
 * weights need no table at all. Else a guide table, one entry for each equal share of the total, says where to begin, so
 * that an ordinary search takes one or two steps, a skewed one no more than a binary search.
 */
export class RunningWeights {
  /** Entries in use. */
  count = 0;
  /** The weight of every entry as long as they are equal. */
  private equal = 0;
  private sums: Float64Array | undefined = undefined;
  private guide: Int32Array | undefined = undefined;
  private scale = 0;

  constructor(private readonly capacity: number) {}

  /** Takes all weights out. */
  clear(): void {
    this.count = 0;
    this.sums = undefined;
  }

  /** Adds a weight after the others. No array is made while all are equal. */
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

  /** To be called after the last `add`, before `find`. */
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

  /** The first entry whose sum exceeds `value`; `value` is not negative and below the total. */
  find(value: number): number {
    const { sums, guide } = this;
    if (sums === undefined) return Math.floor(value / this.equal);
    let low = 0;
    let high = this.count - 1;
    if (guide !== undefined) {
      const share = (value * this.scale) | 0;
      low = guide[share] as number;
      high = guide[share + 1] as number;
      // A share's edge is rounded, so the entry may lie just outside.
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

/** `hash` modulo `total`, where `total` may be beyond 32 bits. An integer division where it can be one. */
export function hashModulo(hash: number, total: number): number {
  return total <= 0xffffffff ? (hash >>> 0) % (total >>> 0) : (hash >>> 0) % total;
}
