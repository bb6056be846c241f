import { isIP } from 'node:net';

/**
 * Whether the Host of a request is an address or one of the names (lower case). A name that is not one of ours may be an
 * attacker's who lets it point to our address (DNS rebinding); an address cannot be.
 */
export function isOwnHost(host: string, names: ReadonlySet<string>): boolean {
  const name = host.replace(/:[0-9]{1,5}$/, '').toLowerCase();
  if (isIP(name) !== 0 || names.has(name)) return true;
  return name.startsWith('[') && name.endsWith(']') && isIP(name.slice(1, -1)) === 6;
}

/** Whether a page of this origin came from the host it now asks (RFC 6454). */
export function isSameOrigin(origin: string, host: string | undefined, secure: boolean): boolean {
  return host !== undefined && origin.toLowerCase() === `${secure ? 'https' : 'http'}://${host.toLowerCase()}`;
}
