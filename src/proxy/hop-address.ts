import { parseUri, type SipUri, uriTransport } from '../core/uri.js';
import type { SipMessage } from '../sip/message.js';
import type { Address, Resolver } from '../sip/resolve.js';
import type { NextHop } from './decision.js';

/** Parses the URI to which a request goes: most often its request-URI, which is parsed only once. */
export function parsedTarget(uri: string, message: SipMessage): SipUri | undefined {
  return uri === message.requestUri ? message.parsedUri : parseUri(uri);
}

/**
 * Address of a hop of `message` when no lookup is needed: that of its connection, the one given in the hop, or the IP
 * literal in its URI. Undefined when a name has to be resolved. A number is the status code of the reply when the URI
 * is unusable.
 */
export function hopAddress(hop: NextHop, message: SipMessage, resolver: Resolver): Address | number | undefined {
  if (hop.flow !== undefined) {
    const { socket, address, port } = hop.flow;
    return { address, family: socket.family, port, transport: socket.transport, name: undefined };
  }
  if (hop.address !== undefined) {
    const { address, family, port, transport } = hop.address;
    return { address, family, port, transport, name: undefined };
  }
  const uri = parsedTarget(hop.uri, message);
  if (uri === undefined) return 400;
  if (uri.scheme === 'tel') return 416;
  const literal = resolver.literal(uri);
  return literal === undefined && uri.scheme === 'sips' && uriTransport(uri) === undefined ? 480 : literal;
}
