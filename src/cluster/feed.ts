/** Revisions remembered beyond the first one that is missing. */
const MAX_AHEAD = 20_000;

/**
 * Which revisions of the bucket's stream have come. Every write has the next number, so one that is missing shows when
 * the one after it comes; it is then read from the stream.
 */
export class FeedPosition {
  /** Everything up to this revision is known. */
  rev = 0;
  private readonly ahead = new Set<number>();

  /** Whether something is missing before what has come. */
  get hasGap(): boolean {
    return this.ahead.size > 0;
  }

  /** A message with this revision was read. Those that come ahead of a gap are remembered, a bounded number. */
  came(revision: number): void {
    if (revision <= this.rev) return;
    if (revision === this.rev + 1) this.reach(revision);
    else if (this.ahead.size < MAX_AHEAD) this.ahead.add(revision);
  }

  /** Everything up to `revision` was read. */
  reach(revision: number): void {
    this.rev = Math.max(this.rev, revision);
    while (this.ahead.delete(this.rev + 1)) this.rev++;
    if (this.ahead.size === 0) return;
    for (const each of this.ahead) if (each <= this.rev) this.ahead.delete(each);
  }

  /** Nothing has been read: the stream begins anew. */
  reset(): void {
    this.rev = 0;
    this.ahead.clear();
  }
}
