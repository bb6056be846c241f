/** Words of the smallest block, as a power of two. */
const SMALLEST = 5;

/** Allocates blocks of memory, whose sizes are powers of two; freed blocks are reused. */
export class Arena {
  private next: number;
  /** Free blocks by the power of their size. */
  private readonly free: number[][] = [];

  /** The words from `first` to before `end`. */
  constructor(
    first: number,
    private readonly end: number,
  ) {
    this.next = first;
  }

  /** The first word of a block with at least so many words; undefined when there is no room. */
  take(words: number): number | undefined {
    const power = powerOf(words);
    const known = this.free[power]?.pop();
    if (known !== undefined) return known;
    const at = this.next;
    if (at + 2 ** power > this.end) return undefined;
    this.next = at + 2 ** power;
    return at;
  }

  /** Frees a block that `take` returned for the same number of words. */
  give(at: number, words: number): void {
    const power = powerOf(words);
    const list = this.free[power];
    if (list === undefined) this.free[power] = [at];
    else list.push(at);
  }
}

function powerOf(words: number): number {
  return Math.max(SMALLEST, Math.ceil(Math.log2(words)));
}
