import { uriParam } from '../core/uri.js';
import type { LocalSockets } from '../sip/local-sockets.js';
import type { SipMessage } from '../sip/message.js';
import { parseMessage } from '../sip/parse-message.js';
import { applyEdits } from '../sip/reply.js';
import { removeLast, routeSet } from '../sip/route-set.js';

/**
 * Undoes what a strict router did: it put our Record-Route URI into the request-URI and the real request-URI last into
 * Route (RFC 3261 section 16.4). Returns the request as a loose router would have sent it; undefined when no strict
 * router sent it.
 */
export function withoutStrictRoute(message: SipMessage, sockets: LocalSockets): SipMessage | undefined {
  if (message.routeLine < 0) return undefined;
  const uri = message.parsedUri;
  if (uri === undefined || uriParam(uri.params, 'lr') === undefined || !sockets.isOurs(uri)) return undefined;
  const routes = routeSet(message);
  const last = routes[routes.length - 1];
  if (last?.uri === undefined) return undefined;
  const head = `${message.method} ${last.text} SIP/2.0\r\n`;
  return parseMessage(head + applyEdits(message.text, message.headersStart, removeLast(routes)));
}
