import { maskUri } from '../core/mask.js';
import { parseUri, uriTransport } from '../core/uri.js';
import { dialled, isSecure, type SecureTransport, withTransport } from '../route/dialled.js';
import type { SipSocket } from '../sip/transport/transport.js';
import type { Call } from './call.js';
import type { ScriptEnvironment } from './environment.js';

/** Next hop (undefined: the request-URI is one) and socket of a request. */
interface Hop {
  readonly requestUri: string;
  readonly destinationUri: string | undefined;
  readonly socket?: SipSocket | undefined;
}

/**
 * The next hop as a URI. Its transport is that of the selected destination's socket, if there is one. A request that
 * needs TLS never gets a next hop without TLS, even where the script names such a transport.
 */
export function nextHopOf(call: Call, { requestUri, destinationUri, socket }: Hop): string {
  const uri = destinationUri ?? requestUri;
  const hop =
    socket === undefined || socket !== call.selectedSocket
      ? uri
      : dialled({ uri, address: undefined }, undefined, socket).uri;
  const transport =
    call.secureAddresses?.instead(hop) ??
    (destinationUri === undefined ? undefined : transportInstead(call.env, requestUri, hop));
  if (transport === undefined) return hop;
  const isThere = call.env.sockets.all.some((each) => each.transport === transport);
  if (!isThere || destinationUri !== undefined) {
    const about = { nextHop: maskUri(uri.slice(0, MAX_SHOWN)), transport };
    call.env.peerLog.warn(about, isThere ? SENT_BY_TLS : NO_SOCKET);
  }
  return withTransport(hop, transport);
}

/**
 * The secure transport that a request to a sips URI must use in place of its next hop's (RFC 3261 section 26.2.2);
 * undefined when it need not be changed. `sips_needs_tls` off disables this.
 */
function transportInstead(env: ScriptEnvironment, requestUri: string, hop: string): SecureTransport | undefined {
  if (requestUri.charCodeAt(4) !== 58 || !/^sips/i.test(requestUri) || !env.sipsNeedsTls) return undefined;
  const uri = parseUri(hop);
  const usual = uri && uriTransport(uri);
  if (uri === undefined || uri.scheme === 'tel' || isSecure(usual)) return undefined;
  return usual === 'ws' ? 'wss' : 'tls';
}

/** The next hop of a request that a script creates: by TLS if the request is for a sips URI. */
export function nextHopOfOwn(env: ScriptEnvironment, requestUri: string, hop: string): string {
  const transport = transportInstead(env, requestUri, hop);
  return transport === undefined ? hop : withTransport(hop, transport);
}

/** Maximum length of a URI in a log line. */
const MAX_SHOWN = 100;
const SENT_BY_TLS = 'script: a request to a sips URI is sent by TLS, although its next hop does not name TLS';
const NO_SOCKET = 'script: a request that needs TLS cannot be sent: there is no socket for it';
