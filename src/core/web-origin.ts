import { isIP } from 'node:net';

/**
 * Whether a request's Host is an IP address or one of our names (lower case). An attacker may let another name point to
 * our address (DNS rebinding), which is impossible with an address.
 */
export function isOwnHost(host: string, names: ReadonlySet<string>): boolean {
  const name = host.replace(/:[0-9]{1,5}$/, '').toLowerCase();
  if (isIP(name) !== 0 || names.has(name)) return true;
  return name.startsWith('[') && name.endsWith(']') && isIP(name.slice(1, -1)) === 6;
}

/** Whether an origin is that of the host that the page now sends a request to (RFC 6454). */
export function isSameOrigin(origin: string, host: string | undefined, secure: boolean): boolean {
  return host !== undefined && origin.toLowerCase() === `${secure ? 'https' : 'http'}://${host.toLowerCase()}`;
}
