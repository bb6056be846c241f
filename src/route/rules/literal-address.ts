import type { Destination, ResolvedAddress } from '../../engine/destination.js';

/** The address of a destination whose host is an IP literal, which needs no look-up. */
export function literalAddress(destination: Destination): ResolvedAddress | undefined {
  const first = destination.resolved[0];
  if (first === undefined || destination.resolved.length > 1) return undefined;
  const host = destination.host;
  return host === first.address || host.charCodeAt(0) === 91 ? first : undefined;
}
