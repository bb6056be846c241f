import { canonicalIp } from '../core/ip-address.js';
import type { Destination, ResolvedAddress } from './destination.js';
import type { DestinationsByAddress } from './flavour.js';
import { fnmatch } from './fnmatch.js';
import type { Partition } from './partition.js';

/** The parameters of ds_is_in_list. */
export interface InListQuery {
  /** IPv4 or IPv6 literal in any spelling, IPv6 with or without brackets. A host name matches nothing. */
  readonly ip: string;
  /** 0 or undefined for any. */
  readonly port?: number | undefined;
  /** undefined or -1 for all sets. */
  readonly setId?: number | undefined;
  /** Whether to ignore inactive and probing destinations. */
  readonly activeOnly?: boolean | undefined;
  /** Shell pattern for the destination's attributes; a destination without attributes matches no pattern. */
  readonly pattern?: string | undefined;
}

/**
 * ds_is_in_list: the first destination in the order of listings (newest set first) with this address and port. Port 0
 * in its URI matches any port; no port in its URI means the default port of its transport.
 */
export function findInList(partition: DestinationsByAddress, query: InListQuery): Destination | undefined {
  const address = canonicalIp(query.ip);
  if (address === undefined) return undefined;
  const port = query.port ?? 0;
  const all = query.setId === undefined || query.setId === -1;
  let best: Destination | undefined;
  for (const destination of partition.destinationsAt(address)) {
    if (!all && destination.setId !== query.setId) continue;
    if (query.activeOnly === true && destination.health.state !== 'active') continue;
    if (port !== 0 && !listens(destination, address, port)) continue;
    if (query.pattern !== undefined) {
      const { attrs } = destination.row;
      if (attrs === '' || !fnmatch(query.pattern, attrs)) continue;
    }
    if (best === undefined || comesBefore(partition, destination, best)) best = destination;
  }
  return best;
}

/** Whether any destination has an address, as `canonicalIp` has it, and port; without one, any port. */
export function isListed(partition: Pick<Partition, 'destinationsAt'>, address: string, port = 0): boolean {
  const found = partition.destinationsAt(address);
  if (port === 0) return found.length > 0;
  for (let i = 0; i < found.length; i++) if (listens(found[i] as Destination, address, port)) return true;
  return false;
}

function listens(destination: Destination, address: string, port: number): boolean {
  const { resolved } = destination;
  for (let i = 0; i < resolved.length; i++) {
    const each = resolved[i] as ResolvedAddress;
    if (each.port !== port && each.port !== 0) continue;
    if (each.address === address || canonicalIp(each.address) === address) return true;
  }
  return false;
}

function comesBefore(partition: DestinationsByAddress, a: Destination, b: Destination): boolean {
  if (a.setId === b.setId) return a.index < b.index;
  const { setOrder } = partition.snapshot;
  return setOrder.indexOf(a.setId) > setOrder.indexOf(b.setId);
}
