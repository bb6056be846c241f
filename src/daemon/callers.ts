import type { Access } from '../access/access.js';
import { type Caller, type EndpointKind, unbounded } from '../access/caller.js';
import type { EndpointBounds } from '../config/endpoint-settings.js';
import { AddressBlocks } from '../core/address-blocks.js';
import type { CallerFrom } from '../management/endpoints/protocol.js';

/**
 * Who asks through an endpoint with these bounds: the user it names, as the settings in force have it, else somebody who may
 * do everything; no caller for an address it does not allow, or for a user that no longer exists.
 */
export function callersOf(access: Access, endpoint: EndpointKind, { as, allow }: EndpointBounds): CallerFrom {
  const allowed = allow === undefined ? undefined : new AddressBlocks(allow);
  return (peer) => {
    if (allowed !== undefined && !allowed.has(peer.replace(/^::ffff:(?=[0-9.]{7,15}$)/i, ''))) return undefined;
    return as === undefined ? unbounded(endpoint, peer) : callerAs(access, endpoint, as, peer);
  };
}

/** A caller with the rights of a user; one that is gone may do nothing. */
export function callerAs(access: Access, endpoint: EndpointKind, as: string, peer = ''): Caller {
  const user = access.user(as);
  if (user === undefined) return { user: as, role: 'viewer', partitions: new Set(), endpoint, peer };
  return { user: as, role: user.role, partitions: user.partitions, endpoint, peer };
}
