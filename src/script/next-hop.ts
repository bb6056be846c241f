import { maskUri } from '../core/mask.js';
import { parseUri, uriTransport } from '../core/uri.js';
import { dialled, isSecure, type SecureTransport, withTransport } from '../route/dialled.js';
import type { SipSocket } from '../sip/transport/transport.js';
import type { Call } from './call.js';

/** What a request is sent by: the next hop, the request-URI where there is none, and the socket. */
interface Hop {
  readonly requestUri: string;
  readonly destinationUri: string | undefined;
  readonly socket?: SipSocket | undefined;
}

/**
 * Where a request goes: with the transport of the socket its destination names, if it names one. What is to be secure does not go in
 * clear, whatever the next hop says, not even where the script names the transport.
 */
export function nextHopOf(call: Call, { requestUri, destinationUri, socket }: Hop): string {
  const uri = destinationUri ?? requestUri;
  const hop =
    socket === undefined || socket !== call.selectedSocket
      ? uri
      : dialled({ uri, address: undefined }, undefined, socket).uri;
  const transport =
    call.secureAddresses?.instead(hop) ??
    (destinationUri === undefined ? undefined : transportForSips(call, requestUri, destinationUri, hop));
  if (transport === undefined) return hop;
  const isThere = call.env.sockets.all.some((each) => each.transport === transport);
  if (!isThere || destinationUri !== undefined) {
    const about = { nextHop: maskUri(uri.slice(0, MOST_SHOWN)), transport };
    call.env.peerLog.warn(about, isThere ? RAISED : NO_SOCKET);
  }
  return withTransport(hop, transport);
}

/**
 * A request to a sips URI leaves in clear by no next hop (RFC 3261 section 26.2.2) unless `sips_needs_tls` is off. Inside a dialog the
 * route set of its start applies.
 */
function transportForSips(
  call: Call,
  requestUri: string,
  destinationUri: string,
  hop: string,
): SecureTransport | undefined {
  if (requestUri.charCodeAt(4) !== 58 || !/^sips/i.test(requestUri) || !call.env.sipsNeedsTls) return undefined;
  if (call.passage?.nextHop === destinationUri) return undefined;
  const uri = parseUri(hop);
  const usual = uri && uriTransport(uri);
  if (uri === undefined || uri.scheme === 'tel' || isSecure(usual)) return undefined;
  return usual === 'ws' ? 'wss' : 'tls';
}

/** Characters of a URI in a line of the log. */
const MOST_SHOWN = 100;
const RAISED = 'script: a request to a sips URI leaves by TLS, though its next hop does not say so';
const NO_SOCKET = 'script: a request that may leave by TLS only goes nowhere: there is no such socket';
