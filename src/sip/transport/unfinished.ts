import { getHeapStatistics } from 'node:v8';
import { FairShare } from '../../core/fair-share.js';
import type { AddressSet } from '../trusted-sources.js';

/** The limit is at least this many bytes: two of the largest messages. */
const MIN_BYTES = 16 * 1024 * 1024;

/**
 * The limit: a sixteenth of the memory this process may use, since buffered bytes are later concatenated, parsed and
 * forwarded.
 */
export function affordableBytes(heapLimit = getHeapStatistics().heap_size_limit): number {
  return Math.max(MIN_BYTES, Math.floor(heapLimit / 16));
}

/**
 * Bounds the bytes of incomplete messages over all stream sockets. A connection is bounded by the size of one message,
 * but that size times all connections would exceed the memory.
 */
export class UnfinishedBytes {
  private readonly shares = new FairShare();
  private total = 0;

  constructor(
    private readonly max = affordableBytes(),
    /** Sources without a limit of their own. */
    readonly trusted: AddressSet | undefined = undefined,
  ) {}

  /** Bytes currently held. */
  get size(): number {
    return this.total;
  }

  /**
   * Changes what a source holds from `before` to `now` bytes. False when that is too much: its connection must be
   * closed.
   */
  change(source: string, before: number, now: number): boolean {
    if (now === before) return true;
    this.total += now - before;
    if (now < before) {
      this.shares.remove(source, before - now);
      return true;
    }
    this.shares.add(source, now - before);
    // While half of the limit is free, no source can exceed its share.
    if (this.total * 2 <= this.max) return true;
    const free = this.max - this.total;
    return free > 0 && (!this.shares.exceeds(source, free) || this.trusted?.has(source) === true);
  }
}
