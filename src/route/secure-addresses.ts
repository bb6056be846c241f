import { parseUri, type SipUri, uriTransport } from '../core/uri.js';
import { isSecure, type SecureTransport } from './dialled.js';

/** Request-URIs with the address of a destination that is reached by TLS only. */
export class SecureAddresses {
  private readonly known = new Map<string, SecureTransport>();

  /**
   * The request-URI contains the address of a destination with this transport; undefined: the destination needs no TLS.
   */
  note(requestUri: string, transport: SecureTransport | undefined): void {
    const uri = parseUri(requestUri);
    if (uri === undefined) return;
    if (transport === undefined) this.known.delete(addressIn(uri));
    else this.known.set(addressIn(uri), transport);
  }

  /** The transport to use for a URI instead of its own; undefined: its own. */
  instead(text: string): SecureTransport | undefined {
    const uri = parseUri(text);
    return uri === undefined || isSecure(uriTransport(uri)) ? undefined : this.known.get(addressIn(uri));
  }
}

/**
 * Notes a destination whose address a selection wrote into the request-URI. The object is created when the first such
 * destination needs TLS.
 */
export function noteAddress(
  known: SecureAddresses | undefined,
  requestUri: string,
  dialUri: string,
): SecureAddresses | undefined {
  const transport = transportOf(dialUri);
  if (known === undefined && transport === undefined) return undefined;
  const addresses = known ?? new SecureAddresses();
  addresses.note(requestUri, transport);
  return addresses;
}

function transportOf(dialUri: string): SecureTransport | undefined {
  const uri = parseUri(dialUri);
  const transport = uri && uriTransport(uri);
  return isSecure(transport) ? transport : undefined;
}

function addressIn({ host, port }: SipUri): string {
  return `${host.toLowerCase()} ${port ?? ''}`;
}
