import { getHeapStatistics } from 'node:v8';
import { FairShare } from '../fair-share.js';
import type { AddressSet } from '../trusted-sources.js';

/** Minimum limit on bytes of unfinished messages: two of the largest. */
const LEAST_BYTES = 16 * 1024 * 1024;

/** A sixteenth of the memory this process may use: buffered bytes are later joined, parsed and forwarded. */
export function affordableBytes(heapLimit = getHeapStatistics().heap_size_limit): number {
  return Math.max(LEAST_BYTES, Math.floor(heapLimit / 16));
}

/**
 * Bytes of the incomplete messages of all peers on all stream sockets. Each connection is bounded by the size of one
 * message; that size times the number of connections is more than any memory.
 */
export class UnfinishedBytes {
  private readonly shares = new FairShare();
  private total = 0;

  constructor(
    private readonly most = affordableBytes(),
    /** Sources that may hold as much as there is room for. */
    readonly trusted: AddressSet | undefined = undefined,
  ) {}

  /** Bytes held. */
  get size(): number {
    return this.total;
  }

  /** A peer holds `now` bytes instead of `before`. False when that is too much: its connection must be closed. */
  change(source: string, before: number, now: number): boolean {
    if (now === before) return true;
    this.total += now - before;
    if (now < before) {
      this.shares.remove(source, before - now);
      return true;
    }
    this.shares.add(source, now - before);
    // While half is free, no source can exceed its share.
    if (this.total * 2 <= this.most) return true;
    const free = this.most - this.total;
    return free > 0 && (!this.shares.exceeds(source, free) || this.trusted?.has(source) === true);
  }
}
