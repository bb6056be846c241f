import { defaultPort, parseUri, type TransportName, uriParam, uriTransport } from '../core/uri.js';
import type { ResolvedAddress } from '../engine/destination.js';
import type { SipSocket } from '../sip/transport/transport.js';

/** A URI to send a request to, and its address where that is known already. */
export interface Dialled {
  readonly uri: string;
  readonly address: ResolvedAddress | undefined;
}

/**
 * Sets the transport of the address: that of the socket to send from, or else that of `written`, the URI that leads to
 * the destination. If `to` or `written` has an encrypted transport, the result has one too, whatever the socket is.
 */
export function dialled(to: Dialled, written: string | undefined, socket: SipSocket | undefined): Dialled {
  if (written === undefined && socket === undefined) return to;
  const own = parseUri(to.uri);
  const target = written === undefined ? own : parseUri(written);
  const usual = own && uriTransport(own);
  const named = target && uriTransport(target);
  if (own === undefined || own.scheme === 'tel' || usual === undefined || named === undefined) return to;
  const secure = [usual, named].find(isSecure);
  let transport = socket?.transport ?? named;
  if (secure !== undefined && !isSecure(transport)) transport = secure;
  if (transport === usual) return to;
  const { address } = to;
  return {
    uri: withTransport(to.uri, transport),
    address: address && { ...address, transport, port: own.port ?? defaultPort(transport) },
  };
}

/** An encrypted transport. */
export type SecureTransport = 'tls' | 'wss';

/** Whether a transport is encrypted. */
export function isSecure(transport: TransportName | undefined): transport is SecureTransport {
  return transport === 'tls' || transport === 'wss';
}

/** The URI with this transport parameter instead of its own. */
export function withTransport(text: string, transport: TransportName): string {
  const uri = parseUri(text);
  if (uri === undefined) return text;
  const end = text.length - uri.headers.length;
  const before = text.slice(0, end - uri.params.length);
  const old = uriParam(uri.params, 'transport');
  const params =
    old === undefined
      ? uri.params
      : uri.params
          .split(';')
          .filter((each) => !each.toLowerCase().startsWith('transport='))
          .join(';');
  return `${before}${params};transport=${transport}${text.slice(end)}`;
}
