import { FairShare } from './fair-share.js';

/** How much of a table each source holds. The table's owner adds and removes with each entry. */
export class PeerShare {
  private readonly shares = new FairShare();
  private total = 0;

  /** The sum of all entries. */
  get used(): number {
    return this.total;
  }

  /** Counts an entry of a source; undefined: of no peer. */
  add(source: string | undefined, amount = 1): void {
    this.total += amount;
    if (source !== undefined) this.shares.add(source, amount);
  }

  /** Counts it no longer. */
  remove(source: string | undefined, amount = 1): void {
    this.total -= amount;
    if (source !== undefined) this.shares.remove(source, amount);
  }

  /** Forgets all entries. */
  clear(): void {
    this.shares.clear();
    this.total = 0;
  }

  /** How much a source holds. */
  heldBy(source: string): number {
    return this.shares.heldBy(source);
  }

  /** Whether a source holds more than its share of what is left of `max`. */
  exceeds(source: string, max: number): boolean {
    return this.shares.exceeds(source, max - this.total);
  }
}
