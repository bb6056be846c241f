/** Words at the start of a block: its size is a power of two. */
const SIZE = 0;
/** Mark of a block in use. */
export const USED = 1;
/** In a free block: the next free block of its size. */
const NEXT = 6;
/** The smallest block has 2 to the power of this many words. */
const SMALLEST = 5;
/** The same for the largest block. */
export const LARGEST = 22;

/** Positions in the shared memory, in words. */
export interface BlockLayout {
  /** Position of the word that says where the memory begins that was never used, or is unused again. */
  readonly unused: number;
  /** Where the first free block of each size, up to `LARGEST`, is stored. */
  readonly free: number;
  /** Where the blocks begin. */
  readonly blocks: number;
}

/** The power of two of a block for so many words. */
export function powerFor(words: number): number {
  return Math.max(SMALLEST, Math.ceil(Math.log2(words)));
}

/**
 * Allocates blocks of memory that several processes share. A process may end between any two writes: the sizes always
 * lead from one block to the next, and the lists of free blocks can be rebuilt from the blocks (`order`).
 */
export class SharedBlocks {
  constructor(
    private readonly words: Int32Array,
    private readonly layout: BlockLayout,
  ) {}

  /** The size of a block, as a power of two. */
  powerOf(at: number): number {
    return this.words[at + SIZE] as number;
  }

  /** A block of 2^power words, not marked as used; 0 when there is no room. */
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

  /** Frees a block; it must not be marked as used any more. */
  give(at: number): void {
    const { words, layout } = this;
    const list = layout.free + (words[at + SIZE] as number);
    words[at + NEXT] = words[list] as number;
    words[list] = at;
  }

  /** Rebuilds the lists of free blocks and joins neighbours; calls `used` for each block in use. */
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

  /** Splits a block; returns its first part, and frees the rest. */
  private split(at: number, power: number, wanted: number): number {
    for (let half = power - 1; half >= wanted; half--) {
      this.head(at + 2 ** half, half);
      this.words[at + SIZE] = half;
      this.give(at + 2 ** half);
    }
    return at;
  }

  /**
   * Joins the free blocks between two positions into as few as possible. The last one is written first, so that the
   * sizes lead from block to block at any time.
   */
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
