import { networkInterfaces } from 'node:os';

/** An address of this machine. */
export interface LocalAddress {
  readonly address: string;
  /** Whether only this machine can reach it (loopback). */
  readonly internal: boolean;
}

/** The addresses of this machine in one family, in the order of its interfaces; without IPv6 link-local ones. */
export function localAddresses(family: 4 | 6): LocalAddress[] {
  const found: LocalAddress[] = [];
  for (const addresses of Object.values(networkInterfaces())) {
    for (const each of addresses ?? []) {
      if (each.family !== `IPv${family}` || (each.family === 'IPv6' && each.scopeid !== 0)) continue;
      found.push({ address: each.address, internal: each.internal });
    }
  }
  return found;
}

/** Whether binding to this address means all addresses of its family. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
