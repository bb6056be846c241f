import { canonicalIp } from '../../core/ip-address.js';
import type { TransportName } from '../../core/uri.js';
import type { Destination } from '../destination.js';
import type { DestinationsByAddress } from '../flavour.js';
import { setWalk } from './set-walk.js';

/** Bits of the mode parameter of ds_is_from_list. */
export const FROM_LIST = { anyPort: 1, anyProtocol: 2, activeOnly: 4, sameSocket: 8, best: 16 } as const;

/** The parameters of ds_is_from_list. */
export interface FromListQuery {
  /** IP literal; IPv6 with or without brackets. A host name matches nothing. */
  readonly ip: string;
  readonly port: number;
  readonly transport: TransportName;
  /** Description of the local socket that received the request. */
  readonly socket: string;
  /** undefined for all sets. */
  readonly setId: number | undefined;
  /** Bits of FROM_LIST. */
  readonly mode: number;
}

/**
 * ds_is_from_list: the first destination (sets in the order of `setWalk`) with this address, and with the port and
 * protocol if the mode requires them. With bit 16, the one that matches most of port, protocol and socket. A
 * destination without a port in its URI matches any port.
 */
export function findFromList(partition: DestinationsByAddress, query: FromListQuery): Destination | undefined {
  const address = canonicalIp(query.ip);
  if (address === undefined) return undefined;
  const { mode, setId } = query;
  const walk = setWalk(partition.snapshot);
  const { compat, kamailio } = partition.options;
  const allAddresses = kamailio?.dns?.matchAll ?? compat !== 'strict';
  let found: Destination | undefined;
  let foundScore = -1;
  for (const destination of partition.destinationsAt(address)) {
    if (setId !== undefined && destination.setId !== setId) continue;
    if (!allAddresses && canonicalIp(destination.resolved[0]?.address ?? '') !== address) continue;
    if ((mode & FROM_LIST.activeOnly) !== 0 && destination.health.state !== 'active') continue;
    const score = agreement(destination, query);
    if (score === undefined) continue;
    const rank = (mode & FROM_LIST.best) === 0 ? 0 : score;
    if (found !== undefined && (rank < foundScore || (rank === foundScore && !comesBefore(destination, found, walk))))
      continue;
    found = destination;
    foundScore = rank;
  }
  return found;
}

/** How many criteria besides the address match; undefined if a required one does not. */
function agreement(destination: Destination, { mode, port, transport, socket }: FromListQuery): number | undefined {
  const samePort = destination.port === port;
  const sameTransport = destination.transport === transport;
  const sameSocket = destination.row.socket !== '' && destination.row.socket.toLowerCase() === socket.toLowerCase();
  if (!samePort && (mode & FROM_LIST.anyPort) === 0 && (destination.port ?? 0) !== 0) return undefined;
  if (!sameTransport && (mode & FROM_LIST.anyProtocol) === 0) return undefined;
  if (!sameSocket && (mode & FROM_LIST.sameSocket) !== 0) return undefined;
  return (samePort ? 4 : 0) + (sameTransport ? 2 : 0) + (sameSocket ? 1 : 0);
}

function comesBefore(a: Destination, b: Destination, walk: ReadonlyMap<number, number>): boolean {
  return a.setId === b.setId ? a.index < b.index : (walk.get(a.setId) ?? 0) < (walk.get(b.setId) ?? 0);
}
