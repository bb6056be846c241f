import { canonicalIp } from './ip-address.js';

/** The bits of an address, and their number. */
interface Bits {
  readonly value: bigint;
  readonly width: 32 | 128;
}

function bitsOf(address: string): Bits | undefined {
  const canonical = canonicalIp(address);
  if (canonical === undefined) return undefined;
  if (canonical.includes(':')) {
    const value = canonical.split(':').reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
    return { value, width: 128 };
  }
  return { value: BigInt(canonical.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)), width: 32 };
}

/**
 * Returns a function that determines whether a network "a.b.c.d/n", IPv4 or IPv6, contains the address; without "/n" the
 * network is a single address. False for other texts, and for a number of bits that is not there or too large. The
 * address is read once, the list of networks may be long.
 */
export function networkTest(address: string): (network: string) => boolean {
  const wanted = address.startsWith('[') ? undefined : bitsOf(address);
  if (wanted === undefined) return () => false;
  return (network) => {
    if (network.length > LONGEST_NETWORK) return false;
    const [base = '', length, more] = network.split('/');
    if (more !== undefined || base.startsWith('[') || base.includes(':') !== (wanted.width === 128)) return false;
    const bits = length === undefined ? wanted.width : /^[0-9]{1,3}$/.test(length) ? Number(length) : Number.NaN;
    if (!(bits <= wanted.width)) return false;
    const known = bitsOf(base);
    if (known?.width !== wanted.width) return false;
    const shift = BigInt(wanted.width - bits);
    return wanted.value >> shift === known.value >> shift;
  };
}

/** Length of an IPv6 address that ends with an IPv4 address, with "/128". */
const LONGEST_NETWORK = 49;

interface Entry<T> {
  readonly order: number;
  readonly value: T;
}

/**
 * Finds values by network, IPv4 and IPv6, in the order in which they were added. A search takes one access for each
 * prefix length in use, however many networks there are.
 */
export class NetworkIndex<T> {
  private readonly lengths = new Map<string, { width: number; shift: bigint; entries: Map<bigint, Entry<T>[]> }>();
  private count = 0;

  /**
   * A `prefix` beyond the length of the address means a single address. False when the text is not an address; then
   * nothing is added.
   */
  add(address: string, prefix: number, value: T): boolean {
    const bits = bitsOf(address);
    if (bits === undefined) return false;
    const length = Number.isInteger(prefix) && prefix >= 0 && prefix <= bits.width ? prefix : bits.width;
    const key = `${bits.width}/${length}`;
    let at = this.lengths.get(key);
    if (at === undefined) {
      at = { width: bits.width, shift: BigInt(bits.width - length), entries: new Map() };
      this.lengths.set(key, at);
    }
    const masked = bits.value >> at.shift;
    const entry = { order: this.count++, value };
    const same = at.entries.get(masked);
    if (same === undefined) at.entries.set(masked, [entry]);
    else same.push(entry);
    return true;
  }

  /** The first added value whose network contains the address and that passes `test`. */
  first(address: string, test: (value: T) => boolean): T | undefined {
    if (this.count === 0) return undefined;
    const bits = bitsOf(address);
    if (bits === undefined) return undefined;
    let best: Entry<T> | undefined;
    for (const { width, shift, entries } of this.lengths.values()) {
      if (width !== bits.width) continue;
      for (const entry of entries.get(bits.value >> shift) ?? []) {
        if (best !== undefined && entry.order > best.order) break;
        if (!test(entry.value)) continue;
        best = entry;
        break;
      }
    }
    return best?.value;
  }
}
