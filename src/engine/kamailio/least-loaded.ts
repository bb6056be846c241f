/** More calls than any destination can have. */
const FULL = 0x7fffffff;

/**
 * Finds the position with the fewest calls with a tournament tree: reading the winner takes constant time, a change as
 * many comparisons as the tree has levels. Of equal positions, the lowest wins.
 */
export class LeastLoaded {
  private readonly leaves: number;
  private readonly loads: Int32Array;
  /** winners[1] is the overall winner; node i is the better of nodes 2i and 2i + 1. */
  private readonly winners: Int32Array;
  /** Number of positions in the tree. */
  count = 0;

  constructor(readonly size: number) {
    this.leaves = 1;
    while (this.leaves < size) this.leaves *= 2;
    this.loads = new Int32Array(this.leaves).fill(FULL);
    this.winners = new Int32Array(this.leaves * 2);
    for (let i = 0; i < this.leaves; i++) this.winners[this.leaves + i] = i;
  }

  /** Sets the load of a position without comparisons: call `settle` afterwards. */
  prepare(position: number, load: number): void {
    this.loads[position] = load;
    this.count++;
  }

  /** Compares all loads, after `prepare` was called for many. */
  settle(): void {
    for (let node = this.leaves - 1; node >= 1; node--) this.play(node);
  }

  /** Sets the load of a position; undefined removes it. */
  set(position: number, load: number | undefined): void {
    const value = load ?? FULL;
    const before = this.loads[position];
    if (before === value) return;
    if (before === FULL) this.count++;
    else if (value === FULL) this.count--;
    this.loads[position] = value;
    for (let node = (this.leaves + position) >> 1; node >= 1; node >>= 1) this.play(node);
  }

  /** The position with the fewest calls; -1 when the tree is empty. */
  get least(): number {
    const position = this.winners[1] as number;
    return this.loads[position] === FULL ? -1 : position;
  }

  private play(node: number): void {
    const left = this.winners[node * 2] as number;
    const right = this.winners[node * 2 + 1] as number;
    this.winners[node] = (this.loads[right] as number) < (this.loads[left] as number) ? right : left;
  }
}
