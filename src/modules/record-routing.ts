import { parseUri, type SipUri, uriParam } from '../core/uri.js';
import type { Format } from '../pvar/format.js';
import type { MessageRun } from '../script/call.js';
import { isOurs } from '../script/ours.js';
import { containsLineBreak } from '../script/outgoing.js';
import { PerCall } from '../script/per-call.js';
import { isLoose, type RouteValue, removeFirst, removeLast, routeSet } from '../sip/route-set.js';

/** Return code of Kamailio's loose_route() for a request that begins a dialog and whose Route names only this proxy. */
export const PRELOADED = -3;

function ours(run: MessageRun, uri: SipUri | undefined): boolean {
  return uri !== undefined && isOurs(run.env, uri.host, uri.port ?? 5060);
}

function paired(route: RouteValue | undefined): boolean {
  return route?.uri !== undefined && uriParam(route.uri.params, 'r2') !== undefined;
}

/**
 * Loose routing (RFC 3261 section 16.4) with the return codes of the originals: 1 when the request follows its Route,
 * -1 when it has none. For a request that begins a dialog and whose Route names only this proxy: -1 in OpenSIPS, -3 in
 * Kamailio.
 */
export function looseRoute(run: MessageRun): number {
  const { call, env } = run;
  const { message } = call;
  if (message.routeLine < 0) return -1;
  const routes = routeSet(message);
  if (message.toTag === '' || env.dialogs === undefined) return followRoute(run, routes);
  const [first, second] = routes;
  // A strict router before this proxy has moved our Route URI into the request-URI.
  const ruri = parseUri(call.requestUri);
  const next = routes.find(({ uri }) => !ours(run, uri));
  const to = next === undefined ? ruri : next.uri;
  const along = env.dialogs.passage({ message, source: call.source }, [ruri, first?.uri, second?.uri], to);
  if (along === undefined) return -1;
  const result = followRoute(run, routes);
  if (result > 0) call.passage = { nextHop: run.pvars.destinationUri ?? call.requestUri, along };
  return result;
}

/**
 * Parameters for check_route_param() and is_direction(): of the Route that loose_route() found. In Kamailio, before
 * loose_route() is called, of the topmost Route if it names this proxy.
 */
export function routeParams(run: MessageRun): string | undefined {
  const { routeParams: found, message } = run.call;
  if (found !== undefined || run.env.dialect !== 'kamailio' || message.routeLine < 0) return found;
  const first = routeSet(message)[0]?.uri;
  return ours(run, first) ? first?.params : undefined;
}

function followRoute(run: MessageRun, routes: readonly RouteValue[]): number {
  const { call, env } = run;
  const { message } = call;
  const kamailio = env.dialect === 'kamailio';
  const first = routes[0];
  if (first?.uri === undefined) return -1;
  // As recorded, Kamailio only reads the parameters of a Route that names this proxy.
  if (!kamailio || ours(run, first.uri)) call.routeParams = first.uri.params;
  // A strict router before this proxy has moved our Route URI into the request-URI.
  const ruri = parseUri(call.requestUri);
  if (!kamailio && message.toTag !== '' && ours(run, ruri)) return afterStrictOpensips(run, routes, first);
  if (kamailio && message.toTag !== '' && ruri !== undefined && ruri.user === '' && ours(run, ruri)) {
    return afterStrictKamailio(run, routes);
  }
  if (!ours(run, first.uri)) {
    if (!isLoose(first.uri)) return strictNext(run, routes, 0);
    run.pvars.destinationUri = first.text;
    return 1;
  }
  call.matchedRouteParams = first.uri.params;
  const before = run.pvars.destinationUri;
  for (const hook of env.hooks.routed) hook(run);
  // As recorded, in Kamailio the address in use_received of path comes before the next Route.
  const redirected = kamailio && run.pvars.destinationUri !== before;
  // As recorded, Kamailio looks for "r2" in the first Route only.
  const taken = paired(first) && ours(run, routes[1]?.uri) && (kamailio || paired(routes[1])) ? 2 : 1;
  if (taken === 2) {
    const socket = routes[1]?.uri === undefined ? undefined : env.sockets.byUri(routes[1].uri);
    if (socket !== undefined) call.sendSocket = socket;
  }
  const next = routes[taken];
  if (next === undefined) {
    for (const edit of removeFirst(routes, taken)) run.edits.add(edit);
    if (message.toTag === '') return kamailio ? PRELOADED : -1;
    return 1;
  }
  if (next.uri === undefined) return -1;
  call.nextHopRoute = true;
  if (!isLoose(next.uri)) return strictNext(run, routes, taken);
  for (const edit of removeFirst(routes, taken)) run.edits.add(edit);
  if (!redirected) run.pvars.destinationUri = next.text;
  return 1;
}

/**
 * The next hop is a strict router: its URI becomes the request-URI, and the current request-URI becomes the last Route.
 */
function strictNext(run: MessageRun, routes: readonly RouteValue[], taken: number): number {
  const { call } = run;
  const next = routes[taken] as RouteValue;
  for (const edit of removeFirst(routes, taken + 1)) run.edits.add(edit);
  // As recorded, Kamailio uses the received request-URI.
  const present = run.env.dialect === 'kamailio' ? call.message.requestUri : call.requestUri;
  run.edits.insert(call.message.headersEnd, `Route: <${present}>\r\n`);
  run.pvars.setRequestUri(next.text);
  run.pvars.destinationUri = undefined;
  return 1;
}

/**
 * Handles a request of a dialog whose request-URI is ours: the last Route becomes the request-URI; if the next hop is a
 * strict router, its URI does.
 */
function afterStrictKamailio(run: MessageRun, routes: readonly RouteValue[]): number {
  const first = routes[0] as RouteValue;
  if (first.uri === undefined) return -1;
  if (!isLoose(first.uri)) {
    for (const edit of removeFirst(routes, 1)) run.edits.add(edit);
    run.pvars.setRequestUri(first.text);
    run.pvars.destinationUri = undefined;
    return 1;
  }
  const last = routes[routes.length - 1] as RouteValue;
  for (const edit of removeLast(routes)) run.edits.add(edit);
  run.pvars.setRequestUri(last.text);
  run.pvars.destinationUri = first.text;
  return 1;
}

/**
 * As recorded, OpenSIPS takes every request inside a dialog whose request-URI is ours as coming from a strict router.
 * The last Route becomes the request-URI, and the first Route the next hop; if the first Route is a strict router, its
 * URI becomes the request-URI.
 */
function afterStrictOpensips(run: MessageRun, routes: readonly RouteValue[], first: RouteValue): number {
  const { call } = run;
  if (first.uri === undefined) return -1;
  if (ours(run, first.uri)) call.matchedRouteParams = first.uri.params;
  if (!isLoose(first.uri)) {
    for (const edit of removeFirst(routes, 1)) run.edits.add(edit);
    run.pvars.setRequestUri(first.text);
    run.pvars.destinationUri = undefined;
    return 1;
  }
  const last = routes[routes.length - 1] as RouteValue;
  if (last.uri === undefined) return -1;
  for (const edit of removeLast(routes)) run.edits.add(edit);
  run.pvars.setRequestUri(last.text);
  run.pvars.destinationUri = first.text;
  return 1;
}

/** The runs of routes that have stored a Record-Route. */
const recorded = new PerCall<boolean, MessageRun>(() => false);

/**
 * Stores the arguments of a Record-Route, which is written when the sending socket is known. `alone`: the preset
 * address is that of record_route_advertised_address().
 */
export function recordRoute(
  run: MessageRun,
  params: string,
  preset?: readonly string[],
  advertised?: string,
  alone = false,
): number {
  const { call } = run;
  const recordRouting = call.laterRouting ?? call.recordRouting;
  // As recorded, one for a request; if it has none, any number in a branch route, the first at the top.
  const ofBranch = run.routeKind === 'branch' && run.env.dialect === 'kamailio';
  const failed = run.routeKind === 'failure' && run.env.dialect === 'opensips';
  if (recordRouting.length > 0 && !failed && !(ofBranch && recorded.of(run))) return -1;
  if (containsLineBreak(params) || preset?.some(containsLineBreak) === true || containsLineBreak(advertised ?? ''))
    return -1;
  if (run.env.dialect === 'kamailio') {
    if (preset !== undefined && preset.length > 1 && !run.env.rr.doubleRr) return -1;
    // As recorded, ftag is the From tag of the caller. A request from the callee has it as its To tag. Only a Route
    // that loose_route() has followed counts: old files call record_route() first.
    const ftag = uriParam(call.routeParams ?? '', 'ftag');
    call.upstream = ftag !== undefined && ftag !== call.message.fromTag;
  }
  const { rr } = run.env;
  const sips = rr.sips && /^sips:/i.test(call.requestUri);
  const user = rr.addUsername && rr.userAvp !== undefined ? userByAvp(run, rr.userAvp) : undefined;
  // A new list: a branch that waits for the address of its next hop leaves with the one it has.
  const added = { params, preset, advertised, sips, user, alone };
  const routing = ofBranch ? [added, ...recordRouting] : [...recordRouting, added];
  const relayed = run.env.dialect === 'kamailio' && run.routeKind === 'request' && run.edits !== call.edits;
  if (relayed) call.laterRouting = routing;
  else call.recordRouting = routing;
  recorded.set(run, true);
  return 1;
}

/** The user that custom_user_avp of Kamailio's rr names, if it is one that a URI may have. */
function userByAvp(run: MessageRun, avp: Format): string | undefined {
  const value = avp.evaluateValue(run.pvars);
  const user = value === null || value === undefined ? '' : String(value);
  return user === '' || /[ \t\r\n<>@"]/.test(user) ? undefined : user;
}
