/** A source may hold this many times the free amount: a source alone gets at most eight ninths. */
const ROOM = 8;
/** The same for requests that end calls: a source alone gets at most sixteen seventeenths. */
const CALL_ENDING_SHARE = 16;
/** Part of the total amount that a source may always hold. */
const SMALL = 1 / 16;

/**
 * Tracks how much of a bounded resource each source address holds. When it runs short, the sources that hold the most
 * are refused first: a source may hold a fixed multiple of the free amount (the dynamic thresholds of Choudhury and
 * Hahne, 1998). So one source gets nearly everything, two large ones nearly half each, and a source that holds little
 * is always admitted. Only sources that hold something are stored.
 */
export class FairShare {
  private readonly held = new Map<string, number>();

  /** Number of sources that hold something. */
  get size(): number {
    return this.held.size;
  }

  /** Adds to what a source holds. */
  add(source: string, amount = 1): void {
    const key = sourceKey(source);
    this.held.set(key, (this.held.get(key) ?? 0) + amount);
  }

  /** Subtracts from what a source holds, down to 0. */
  remove(source: string, amount = 1): void {
    const key = sourceKey(source);
    const left = (this.held.get(key) ?? 0) - amount;
    if (left > 0) this.held.set(key, left);
    else this.held.delete(key);
  }

  /** Forgets what all sources hold. */
  clear(): void {
    this.held.clear();
  }

  /** How much a source holds. */
  heldBy(source: string): number {
    return this.held.get(sourceKey(source)) ?? 0;
  }

  /** Whether a source holds too much to get more while `free` is left. */
  exceeds(source: string, free: number): boolean {
    return this.heldBy(source) > ROOM * free;
  }

  /**
   * The same for requests that end calls: twice the share, and only a source that holds more than SMALL of `all` is
   * refused.
   */
  exceedsLast(source: string, free: number, all: number): boolean {
    const held = this.heldBy(source);
    return held > CALL_ENDING_SHARE * free && held > SMALL * all;
  }
}

/** Key of a source: the IPv4 address, or the first 64 bits of IPv6, since one host usually has the whole /64. */
export function sourceKey(address: string): string {
  if (address.indexOf(':') < 0) return address;
  const [before = '', after] = address.split('::', 2);
  const groups = before === '' ? [] : before.split(':');
  if (after !== undefined) {
    const end = after === '' ? [] : after.split(':');
    // An IPv4 address at the end stands for two groups.
    const width = end.length + (after.includes('.') ? 1 : 0);
    while (groups.length + width < 8) groups.push('0');
    groups.push(...end);
  }
  return groups.slice(0, 4).join(':');
}
