import type { Access } from '../access/access.js';
import { type Caller, type EndpointKind, unbounded } from '../access/caller.js';
import type { EndpointBounds } from '../config/endpoint-settings.js';
import { AddressBlocks } from '../core/address-blocks.js';
import type { CallerFrom } from '../management/endpoints/protocol.js';

/**
 * Returns a function that finds the caller for an endpoint with these limits: the user it names, with its current
 * rights, else a caller with all rights; undefined for an address that is not allowed, or a user that was removed.
 */
export function callersOf(access: Access, endpoint: EndpointKind, { as, allow }: EndpointBounds): CallerFrom {
  const allowed = allow === undefined ? undefined : new AddressBlocks(allow);
  return (peer) => {
    if (allowed !== undefined && !allowed.has(peer.replace(/^::ffff:(?=[0-9.]{7,15}$)/i, ''))) return undefined;
    return as === undefined ? unbounded(endpoint, peer) : callerForUser(access, endpoint, as, peer);
  };
}

/** A caller with a user's rights; a user that was removed has none. */
export function callerForUser(access: Access, endpoint: EndpointKind, as: string, peer = ''): Caller {
  const user = access.user(as);
  if (user === undefined) return { user: as, role: 'viewer', partitions: new Set(), endpoint, peer };
  return { user: as, role: user.role, partitions: user.partitions, endpoint, peer };
}
