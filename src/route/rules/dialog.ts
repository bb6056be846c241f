import { type SipUri, uriParam, uriTransport } from '../../core/uri.js';
import { type NextHop, plainHop, type RoutedRequest } from '../../proxy/decision.js';
import { parsedTarget } from '../../proxy/hop-address.js';
import { ownRoute } from '../../proxy/own-route.js';
import type { FlowTarget, LocalSockets } from '../../sip/local-sockets.js';
import type { TextEdit } from '../../sip/reply.js';
import { isLoose, type RouteValue, removeFirst, routeSet, withoutFirstField } from '../../sip/route-set.js';
import type { SipSocket } from '../../sip/transport/transport.js';

/** Next hop of a request with a Route header, and the Route values to remove. */
export interface LooseRoute {
  readonly hop: NextHop;
  /** The URI of the hop; undefined for one that cannot be parsed. */
  readonly to: SipUri | undefined;
  readonly edits: readonly TextEdit[];
  /** Our own URIs on top of Route, in order: one, or two in a dialog that changes sockets. */
  readonly ours: readonly SipUri[];
}

/**
 * Loose routing (RFC 3261 section 16.4). When the topmost Route value is ours, it is removed together with all our
 * values that follow, and the request goes to the next Route value or to its request-URI. Undefined when the topmost
 * value is not ours, or there is none: then the request does not follow a route recorded here.
 */
export function looseRoute(request: RoutedRequest, sockets: LocalSockets): LooseRoute | undefined {
  const { message } = request;
  if (message.routeLine < 0 && request.strictRoute === undefined) return undefined;
  const { requestUri } = request;
  if (request.strictRoute === undefined) {
    const own = ownRoute(message, request.source.socket);
    if (own !== undefined && sockets.isOurs(own)) {
      const to = parsedTarget(requestUri, message);
      return { hop: plainHop(requestUri), to, edits: [withoutFirstField(message)], ours: [own] };
    }
  }
  const routes = routeSet(message);
  // Our values on top: one, or several that differ, such as a pair, one of another socket, or a name and an address of
  // this proxy. The same value twice means that the request passes here twice (a spiral).
  let ours = 0;
  while (isOurs(routes[ours], sockets) && (ours === 0 || !isSameSocket(routes[ours - 1], routes[ours]))) ours++;
  // A strict router has removed our value already.
  if (ours === 0 && request.strictRoute === undefined) return undefined;
  const uris: SipUri[] = [];
  if (request.strictRoute !== undefined) uris.push(request.strictRoute);
  for (let i = 0; i < ours; i++) {
    const uri = routes[i]?.uri;
    if (uri !== undefined) uris.push(uri);
  }
  const out = ours > 1 ? outbound(routes[ours - 1] as RouteValue, sockets) : undefined;
  const next = followingRoute(request, routes, ours, out);
  if (next !== undefined) return { hop: next.hop, to: next.to, edits: next.edits, ours: uris };
  const flow = flowOf(routes, ours, request, sockets);
  const to = parsedTarget(requestUri, message);
  return { hop: plainHop(requestUri, undefined, out, flow), to, edits: removeFirst(routes, ours), ours: uris };
}

/**
 * Next hop of a request whose topmost Route value is not ours (RFC 3261 section 16.6 step 7). Undefined when there is
 * no Route.
 */
export function foreignRoute(request: RoutedRequest): Omit<LooseRoute, 'ours'> | undefined {
  return request.message.routeLine < 0 ? undefined : followingRoute(request, routeSet(request.message), 0, undefined);
}

/** The hop to the Route value after our `ours` values, which are removed; undefined when there is no such value. */
function followingRoute(
  request: RoutedRequest,
  routes: readonly RouteValue[],
  ours: number,
  socket: SipSocket | undefined,
): Omit<LooseRoute, 'ours'> | undefined {
  const next = routes[ours];
  if (next?.uri === undefined) return undefined;
  const to = next.uri;
  if (isLoose(to)) return { hop: plainHop(next.text, undefined, socket), to, edits: removeFirst(routes, ours) };
  // The next hop is a strict router: it needs its own URI in the request line and the request-URI last in Route
  // (section 16.6 step 6).
  const rest = removeFirst(routes, ours + 1);
  const end = request.message.headersEnd;
  const last: TextEdit = { start: end, end, text: `Route: <${request.requestUri}>\r\n` };
  return { hop: plainHop(next.text, next.text, socket), to, edits: [...rest, last] };
}

/** The connection that a token in one of our Route values names, unless the request was received on that connection. */
function flowOf(
  routes: readonly RouteValue[],
  ours: number,
  request: RoutedRequest,
  sockets: LocalSockets,
): FlowTarget | undefined {
  for (let i = 0; i < ours; i++) {
    const token = routes[i]?.uri?.user ?? '';
    if (token === '') continue;
    const found = sockets.flow(token);
    if (found !== undefined && found.flow !== request.source.flow) return found;
  }
  return undefined;
}

function isOurs(route: RouteValue | undefined, sockets: LocalSockets): boolean {
  return route?.uri !== undefined && sockets.isOurs(route.uri);
}

/** The socket that the second of our two Route values names, by which the dialog leaves. */
function outbound(route: RouteValue, sockets: LocalSockets) {
  const uri = route.uri;
  return uri === undefined ? undefined : sockets.byUri(uri);
}

/** Whether two Route values name the same socket and are not the two halves of a pair. */
function isSameSocket(a: RouteValue | undefined, b: RouteValue | undefined): boolean {
  if (a?.uri === undefined || b?.uri === undefined) return false;
  if (uriParam(a.uri.params, 'r2') !== undefined && uriParam(b.uri.params, 'r2') !== undefined) return false;
  const [one, other] = [a.uri, b.uri];
  const same = one.host.toLowerCase() === other.host.toLowerCase() && one.port === other.port;
  return same && uriTransport(one) === uriTransport(other);
}
