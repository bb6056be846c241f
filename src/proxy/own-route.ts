import type { SipUri } from '../core/uri.js';
import type { SipMessage } from '../sip/message.js';
import type { SipSocket } from '../sip/transport/transport.js';
import { PARAMETER, TOKEN_LENGTH } from './dialog-token.js';

/** 1 for the characters of a token: base64url. */
const IN_TOKEN = new Uint8Array(256);
for (const c of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') IN_TOKEN[c.charCodeAt(0)] = 1;

/** What our Record-Route of a UDP socket begins with, up to the token, and the parts of its URI. */
interface Prefix {
  readonly sentBy: string;
  readonly text: string;
  /** Where the parameters of the URI begin in it. */
  readonly params: number;
  readonly host: string;
  readonly port: number;
  readonly portText: string;
}

const prefixes = new WeakMap<SipSocket, Prefix>();

function prefixOf(socket: SipSocket): Prefix {
  const { sentBy } = socket;
  const known = prefixes.get(socket);
  if (known?.sentBy === sentBy) return known;
  const colon = sentBy.lastIndexOf(':');
  const portText = sentBy.slice(colon + 1);
  const text = `<sip:${sentBy};lr;${PARAMETER}=`;
  const params = text.length - `;lr;${PARAMETER}=`.length;
  const made = { sentBy, text, params, host: sentBy.slice(0, colon), port: Number(portText), portText };
  prefixes.set(socket, made);
  return made;
}

/**
 * The URI of a request's Route where it is one that we recorded for a dialog on the UDP socket the request came by,
 * byte for byte as `forwardedRequest` writes it, and the only value: most requests inside dialogs have such a Route,
 * and it is then not parsed. Undefined for any other: it is to be parsed.
 */
export function ownRoute(
  { text, routeFields, routeValue, routeEnd }: SipMessage,
  socket: SipSocket,
): SipUri | undefined {
  if (routeFields !== 1 || socket.transport !== 'udp') return undefined;
  const prefix = prefixOf(socket);
  const token = routeValue + prefix.text.length;
  const close = token + TOKEN_LENGTH;
  if (close + 1 !== routeEnd || text.charCodeAt(close) !== 62 || !text.startsWith(prefix.text, routeValue)) {
    return undefined;
  }
  for (let at = token; at < close; at++) if (IN_TOKEN[text.charCodeAt(at)] !== 1) return undefined;
  const { host, port, portText } = prefix;
  const params = text.slice(routeValue + prefix.params, close);
  return { scheme: 'sip', user: '', password: '', host, port, portText, params, headers: '' };
}
