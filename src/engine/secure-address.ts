import { uriParam } from '../core/uri.js';
import type { Destination } from './destination.js';

const SECURE = /^sips:/i;
const TRANSPORT = /;transport=[^;]*/gi;

/** What of a destination goes into a Request-URI: host, port and parameters. */
export interface DialledAddress {
  readonly address: string;
  /** Its parameters, as they stand in the address. */
  readonly params: string;
}

/**
 * The address of a destination in a Request-URI whose scheme stays as it is: that of a sips destination has ";transport=tls" in a sip
 * URI, without which the request would leave in clear.
 */
export function dialledAddress(destination: Destination, scheme: string): DialledAddress {
  const { dialUri, params } = destination;
  const address = dialUri.slice(dialUri.indexOf(':') + 1);
  if (!SECURE.test(dialUri) || scheme === 'sips') return { address, params };
  const secure = uriParam(params, 'transport')?.toLowerCase() === 'wss' ? 'wss' : 'tls';
  return {
    address: `${address.replace(TRANSPORT, '')};transport=${secure}`,
    params: `${params.replace(TRANSPORT, '')};transport=${secure}`,
  };
}
