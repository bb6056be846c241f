/** Words at the start of a block. The size is a power of two. */
const SIZE = 0;
/** 1 in a block that is in use. */
export const USED = 1;
/** In a free block: the next free one of its size. */
const NEXT = 6;
/** Power of two of the smallest block, in words. */
const SMALLEST = 5;
/** That of the largest. */
export const LARGEST = 22;

/** Where the blocks and what is known of them are, in words. */
export interface BlockLayout {
  /** Says where memory begins that was never used, or is again as if it were. */
  readonly unused: number;
  /** The first free block by size, up to `LARGEST`. */
  readonly free: number;
  /** Where the blocks begin. */
  readonly blocks: number;
}

/** The power of two of a block for so many words. */
export function powerFor(words: number): number {
  return Math.max(SMALLEST, Math.ceil(Math.log2(words)));
}

/**
 * Memory of several processes in blocks. A process may end between any two of its writes: the sizes always lead from one block to the
 * next, and the lists of free blocks can be made anew from the blocks (`order`).
 */
export class SharedBlocks {
  constructor(
    private readonly words: Int32Array,
    private readonly layout: BlockLayout,
  ) {}

  /** The power of two of a block. */
  powerOf(at: number): number {
    return this.words[at + SIZE] as number;
  }

  /** A block of 2 to the power of so many words, not marked as used; 0 where there is no room. */
  take(power: number): number {
    if (power > LARGEST) return 0;
    const { words, layout } = this;
    const known = this.pop(power);
    if (known !== 0) return known;
    const at = (words[layout.unused] as number) || layout.blocks;
    if (at + 2 ** power <= words.length) {
      this.head(at, power);
      words[layout.unused] = at + 2 ** power;
      return at;
    }
    for (let larger = power + 1; larger <= LARGEST; larger++) {
      const block = this.pop(larger);
      if (block !== 0) return this.split(block, larger, power);
    }
    return 0;
  }

  /** A block that is not marked as used is free. */
  give(at: number): void {
    const { words, layout } = this;
    const list = layout.free + (words[at + SIZE] as number);
    words[at + NEXT] = words[list] as number;
    words[list] = at;
  }

  /** Makes the lists of free blocks anew, in which neighbours become one; calls `used` with each block in use. */
  order(used: (at: number) => void): void {
    const { words, layout } = this;
    words.fill(0, layout.free, layout.free + LARGEST + 1);
    const end = words[layout.unused] as number;
    let free = 0;
    for (let at = layout.blocks; at < end; ) {
      const next = at + 2 ** (words[at + SIZE] as number);
      if (words[at + USED] !== 1) free ||= at;
      else {
        if (free !== 0) this.join(free, at);
        free = 0;
        used(at);
      }
      at = next;
    }
    if (free !== 0) words[layout.unused] = free;
  }

  private pop(power: number): number {
    const { words, layout } = this;
    const at = words[layout.free + power] as number;
    if (at !== 0) words[layout.free + power] = words[at + NEXT] as number;
    return at;
  }

  /** The first part of a block; the rest is free. */
  private split(at: number, power: number, wanted: number): number {
    for (let half = power - 1; half >= wanted; half--) {
      this.head(at + 2 ** half, half);
      this.words[at + SIZE] = half;
      this.give(at + 2 ** half);
    }
    return at;
  }

  /** Free blocks from one position to another become few. The last is written first: the sizes lead on to it at any time. */
  private join(from: number, to: number): void {
    const parts: [at: number, power: number][] = [];
    for (let at = from; at < to; ) {
      const power = Math.min(LARGEST, 31 - Math.clz32(to - at));
      parts.push([at, power]);
      at += 2 ** power;
    }
    for (const [at, power] of parts.reverse()) {
      this.head(at, power);
      this.give(at);
    }
  }

  private head(at: number, power: number): void {
    this.words[at + USED] = 0;
    this.words[at + SIZE] = power;
  }
}
