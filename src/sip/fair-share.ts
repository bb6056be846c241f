/** How much more than what is still free one source may hold: alone it gets at most eight ninths. */
const ROOM = 8;
/** The same for work that ends calls: alone a source gets at most sixteen seventeenths. */
const LAST_ROOM = 16;
/** Part of all that is held which nobody is called greedy for. */
const SMALL = 1 / 16;

/**
 * What each source address holds of something bounded. When it runs short, those are refused first that hold the most of it:
 * a source may hold some multiple of what is still free (the dynamic thresholds of Choudhury and Hahne, 1998). One that is
 * alone gets nearly everything, two greedy ones nearly half each, and a source that holds little always finds room. Only
 * sources that hold something are remembered.
 */
export class FairShare {
  private readonly held = new Map<string, number>();

  /** Sources that hold something. */
  get size(): number {
    return this.held.size;
  }

  add(source: string, amount = 1): void {
    const key = sourceKey(source);
    this.held.set(key, (this.held.get(key) ?? 0) + amount);
  }

  remove(source: string, amount = 1): void {
    const key = sourceKey(source);
    const left = (this.held.get(key) ?? 0) - amount;
    if (left > 0) this.held.set(key, left);
    else this.held.delete(key);
  }

  clear(): void {
    this.held.clear();
  }

  heldBy(source: string): number {
    return this.held.get(sourceKey(source)) ?? 0;
  }

  /** Whether a source holds too much to be given more, with so much still free. */
  exceeds(source: string, free: number): boolean {
    return this.heldBy(source) > ROOM * free;
  }

  /** The same for what ends something: twice as much room, and none but those that hold a good part of `all` are refused. */
  exceedsLast(source: string, free: number, all: number): boolean {
    const held = this.heldBy(source);
    return held > LAST_ROOM * free && held > SMALL * all;
  }
}

/** Who an address belongs to: itself, or for IPv6 the first 64 bits, which whoever has one address usually has all of. */
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
