import { ipFamily } from './ip-address.js';

/** A parsed "a.b.c.d/n". For other texts only the part before "/" is compared. */
export interface Network {
  readonly base: string;
  readonly number: number | undefined;
  /** Number of bits of the host part. */
  readonly shift: number;
}

/**
 * Parses "10.0.0.0/8"; an address without "/" is a network of one address. The text must be valid: it is not checked.
 */
export function readNetwork(text: string): Network {
  const [base = '', bits = '32'] = text.split('/');
  return { base, number: ipv4Number(base), shift: 32 - Number(bits) };
}

/** Whether a network contains an address. `number` is ipv4Number(address), computed once for many networks. */
export function contains(network: Network, address: string, number: number | undefined): boolean {
  if (number === undefined || network.number === undefined) return address === network.base;
  return network.shift >= 32 || number >>> network.shift === network.number >>> network.shift;
}

/** The 32 bits of an IPv4 address; undefined for any other text. */
export function ipv4Number(address: string): number | undefined {
  if (ipFamily(address) !== 4) return undefined;
  return address.split('.').reduce((sum, part) => (sum << 8) + Number(part), 0) >>> 0;
}
