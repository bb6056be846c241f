/** Maximum number of revisions remembered beyond the first missing one. */
const MAX_AHEAD = 20_000;

/**
 * Tracks which revisions of the bucket's stream have arrived. Writes are numbered without gaps, so a missing one is
 * noticed when the next one arrives; it is then read from the stream.
 */
export class FeedPosition {
  /** All revisions up to this one are known. */
  rev = 0;
  private readonly ahead = new Set<number>();

  /** Whether a revision is missing before one that has arrived. */
  get hasGap(): boolean {
    return this.ahead.size > 0;
  }

  /** A revision has arrived. Those after a gap are remembered, up to a limit. */
  came(revision: number): void {
    if (revision <= this.rev) return;
    if (revision === this.rev + 1) this.reach(revision);
    else if (this.ahead.size < MAX_AHEAD) this.ahead.add(revision);
  }

  /** All revisions up to `revision` were read. */
  reach(revision: number): void {
    this.rev = Math.max(this.rev, revision);
    while (this.ahead.delete(this.rev + 1)) this.rev++;
    if (this.ahead.size === 0) return;
    for (const each of this.ahead) if (each <= this.rev) this.ahead.delete(each);
  }

  /** Starts again with nothing read. */
  reset(): void {
    this.rev = 0;
    this.ahead.clear();
  }
}
