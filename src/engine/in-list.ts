import { canonicalIp } from '../core/ip-address.js';
import type { Destination } from './destination.js';
import type { DestinationsByAddress } from './flavour.js';
import { fnmatch } from './fnmatch.js';

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

function listens(destination: Destination, address: string, port: number): boolean {
  return destination.resolved.some(
    (each) => (each.port === port || each.port === 0) && canonicalIp(each.address) === address,
  );
}

function comesBefore(partition: DestinationsByAddress, a: Destination, b: Destination): boolean {
  if (a.setId === b.setId) return a.index < b.index;
  const { setOrder } = partition.snapshot;
  return setOrder.indexOf(a.setId) > setOrder.indexOf(b.setId);
}
