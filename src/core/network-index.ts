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
 * address is read once, and a network without an object of its own, since the list of networks may be long.
 */
export function networkTest(address: string): (network: string) => boolean {
  const wanted = new Uint16Array(GROUPS);
  const count = readGroups(address, address.length, wanted);
  if (count === 0) return () => false;
  return (network) => {
    if (network.length > LONGEST_NETWORK) return false;
    const slash = network.indexOf('/');
    const bits = slash < 0 ? 16 * count : bitsAt(network, slash + 1);
    if (bits < 0 || bits > 16 * count) return false;
    if (readGroups(network, slash < 0 ? network.length : slash, groups) !== count) return false;
    const whole = bits >> 4;
    for (let i = 0; i < whole; i++) if (groups[i] !== wanted[i]) return false;
    const rest = bits & 15;
    return rest === 0 || (groups[whole] as number) >> (16 - rest) === (wanted[whole] as number) >> (16 - rest);
  };
}

/** Groups of 16 bits in an IPv6 address. */
const GROUPS = 8;
/** Those of the network that is being read. */
const groups = new Uint16Array(GROUPS);

/** The number of one to three digits from an index to the end; -1 for other texts. */
function bitsAt(text: string, from: number): number {
  if (from >= text.length || text.length - from > 3) return -1;
  let value = 0;
  for (let at = from; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Reads the address at the start of a text, as `canonicalIp` does, into groups. Returns 2 or 8, or 0 for other texts. */
function readGroups(text: string, end: number, into: Uint16Array): number {
  const colon = text.indexOf(':');
  if (colon < 0 || colon > end) return readIpv4(text, 0, end, into, 0) ? 2 : 0;
  return end <= LONGEST_ADDRESS && readIpv6(text, end, into) ? GROUPS : 0;
}

function readIpv4(text: string, from: number, end: number, into: Uint16Array, index: number): boolean {
  let dots = 0;
  let value = -1;
  let high = 0;
  for (let at = from; at < end; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit >= 0 && digit <= 9) {
      if (value === 0) return false;
      value = value < 0 ? digit : value * 10 + digit;
      if (value > 255) return false;
    } else {
      if (digit !== -2 || value < 0 || dots === 3) return false;
      if ((dots & 1) === 0) high = value << 8;
      else into[index + (dots >> 1)] = high | value;
      dots++;
      value = -1;
    }
  }
  into[index + 1] = high | value;
  return dots === 3 && value >= 0;
}

function readIpv6(text: string, end: number, into: Uint16Array): boolean {
  let count = 0;
  /** Number of groups before "::". */
  let gap = -1;
  let at = 0;
  if (text.startsWith('::')) {
    gap = 0;
    at = 2;
  }
  while (at < end) {
    const start = at;
    let value = 0;
    for (let digit = hexDigit(text, at); digit >= 0 && at < end; digit = hexDigit(text, ++at))
      value = value * 16 + digit;
    if (text.charCodeAt(at) === DOT && at < end) {
      if (count > GROUPS - 2 || !readIpv4(text, start, end, into, count)) return false;
      count += 2;
      break;
    }
    if (at === start || at - start > 4 || count === GROUPS) return false;
    into[count++] = value;
    if (at === end) break;
    if (text.charCodeAt(at++) !== COLON || at === end) return false;
    if (text.charCodeAt(at) !== COLON) continue;
    if (gap >= 0) return false;
    gap = count;
    at++;
  }
  if (gap < 0) return count === GROUPS;
  if (count === GROUPS) return false;
  into.copyWithin(GROUPS - (count - gap), gap, count);
  into.fill(0, gap, GROUPS - (count - gap));
  return true;
}

const DOT = 46;
const COLON = 58;

/** The value of a hexadecimal digit; -1 for other characters. */
function hexDigit(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code >= 48 && code <= 57) return code - 48;
  const small = code | 0x20;
  return small >= 97 && small <= 102 ? small - 87 : -1;
}

/** Length of an IPv6 address that ends with an IPv4 address. */
const LONGEST_ADDRESS = 45;
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
