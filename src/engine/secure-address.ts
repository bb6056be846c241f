import { uriParam } from '../core/uri.js';
import type { Destination } from './destination.js';

const SECURE = /^sips:/i;
const TRANSPORT = /;transport=[^;]*/gi;

/** The parts of a destination that are written into a request-URI: host, port and parameters. */
export interface DialledAddress {
  readonly address: string;
  /** The parameters of the URI, as written. */
  readonly params: string;
}

/**
 * The address of a destination for a request-URI whose scheme stays. If a sips destination is written into a sip URI,
 * ";transport=tls" is added: otherwise the request would be sent unencrypted.
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
