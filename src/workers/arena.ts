/** Smallest block, in words, as a power of two. */
const SMALLEST = 5;

/** Memory in blocks of powers of two; what is given back is given out again. */
export class Arena {
  private next: number;
  /** Free blocks, by the power of their size. */
  private readonly free: number[][] = [];

  /** Words from `first` up to `end`. */
  constructor(
    first: number,
    private readonly end: number,
  ) {
    this.next = first;
  }

  /** The first word of a block that has so many; undefined when there is no room. */
  take(words: number): number | undefined {
    const power = powerOf(words);
    const known = this.free[power]?.pop();
    if (known !== undefined) return known;
    const at = this.next;
    if (at + 2 ** power > this.end) return undefined;
    this.next = at + 2 ** power;
    return at;
  }

  /** Gives a block back that `take` gave for as many words. */
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
