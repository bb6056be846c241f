import type { DialectName } from '../cfg/function-table.js';
import { parseUri } from '../core/uri.js';
import type { SipSocket } from '../sip/transport/transport.js';
import type { Call, RecordRouting } from './call.js';
import type { MessageEdits } from './edits.js';
import { hidingRequest } from './hiding.js';
import { edited, outgoingRequest } from './outgoing.js';
import { markOf, viaMark } from './via-mark.js';

/** Settings for sending a copy of a request. */
export interface CopySettings {
  readonly requestUri: string;
  readonly destinationUri: string | undefined;
  readonly socket: SipSocket | undefined;
  readonly edits: MessageEdits;
  /** Lines inserted before the first header line, besides Record-Route. */
  readonly head: string;
  /** Record-Route as a branch route has changed it; undefined for that of the call. */
  readonly recorded?: Recorded;
}

/** Values written into Record-Route. */
export interface Recorded {
  readonly routing: readonly RecordRouting[];
  readonly params: string;
}

/** Address and socket that a request is sent to and from. */
export interface CopyTarget {
  readonly socket: SipSocket;
  readonly address: string;
  readonly port: number;
}

/** The request as a socket sends it, with Record-Route lines, which depend on the socket. */
export function forwarded(call: Call, leaving: CopySettings, target: CopyTarget, branch: string): string {
  const { socket } = target;
  const { source, hiding } = call;
  // Topology hiding works on the edited message: the script may have put a NAT address into Contact.
  const message = hiding === undefined ? call.message : edited(call.message, leaving.edits);
  let params = '';
  if (call.localRport && socket.transport === 'udp') params += ';rport';
  if (source.flow !== undefined) params += `;i=${source.flow.id}`;
  const routes = hiding === undefined ? recordRoutes(call, target, leaving.recorded) : '';
  // Stores how many Record-Route values are this proxy's, for topoh or topos, which mask the message later.
  const received = call.env.masks && message.via !== undefined ? markOf(message.text, message.via) : undefined;
  if (received !== undefined) params += viaMark({ ...received, own: routes.split('\n').length - 1 });
  return outgoingRequest({
    message,
    source,
    socket,
    sentBy: sentBy(call, socket),
    branch,
    viaParams: params,
    requestUri: leaving.requestUri,
    edits: hiding === undefined ? leaving.edits.leavingBy(socket) : hidingRequest(message, socket, hiding),
    // As recorded, Kamailio writes the Route of a path after its Via.
    head: call.env.dialect === 'kamailio' ? routes : routes + leaving.head,
    belowVia: call.env.dialect === 'kamailio' ? leaving.head : '',
    marking: hiding === undefined ? call.marking : undefined,
  });
}

/** Host and port in our Via when a script has set them; undefined for the socket's own. */
export function shownSentBy(call: Call, socket: SipSocket): string | undefined {
  return call.advertisedHost === undefined && call.advertisedPort === undefined ? undefined : sentBy(call, socket);
}

/** Host and port of a socket as other hosts see them. */
export function sentBy(call: Call, socket: SipSocket): string {
  if (call.advertisedHost === undefined && call.advertisedPort === undefined) return socket.sentBy;
  const colon = socket.sentBy.lastIndexOf(':');
  const host = call.advertisedHost ?? socket.sentBy.slice(0, colon);
  return `${host}:${call.advertisedPort ?? socket.sentBy.slice(colon + 1)}`;
}

/** Record-Route lines: two when the dialog arrives and leaves by different sockets (RFC 5658). */
function recordRoutes(call: Call, target: CopyTarget, recorded?: Recorded): string {
  const { env, source } = call;
  const { socket: outbound } = target;
  const routing = recorded?.routing ?? call.recordRouting;
  const rrParams = recorded?.params ?? call.rrParams;
  const inbound = source.socket;
  let out = '';
  const token = routing.length === 0 ? '' : dialogToken(call, target);
  for (const each of [...routing].reverse()) {
    const ftag = call.upstream ? call.message.toTag : call.message.fromTag;
    const tag = env.rr.appendFromTag && ftag !== '' ? `;ftag=${ftag}` : '';
    const lr = env.rr.fullLr ? ';lr=on' : ';lr';
    const own = rrParams + token;
    const params = env.dialect === 'kamailio' ? `${lr}${tag}${each.params}${own}` : `${lr}${tag}${own}${each.params}`;
    const named = each.user === undefined ? userOf(call) : `${each.user}@`;
    const user = env.rr.addUsername ? named : '';
    const scheme = each.sips ? 'sips' : 'sip';
    if (each.preset !== undefined) {
      // As recorded of Kamailio 5.6.3, in a preset Record-Route the parameters of the script and of dialog stand before
      // "lr", and add_username adds its user.
      const kamailio = env.dialect === 'kamailio';
      const preset = kamailio && !each.alone ? tag + own + lr : tag + lr + own;
      // As recorded, enable_double_rr 2 writes an advertised address twice.
      const twice = each.alone && env.rr.alwaysDoubleRr;
      const hosts = twice ? [...each.preset, ...each.preset] : each.preset;
      const transportOf = twice ? `;transport=${outbound.transport};r2=on` : '';
      for (const host of hosts)
        out += `Record-Route: <${scheme}:${kamailio ? user : ''}${host}${transportOf}${preset}>\r\n`;
      continue;
    }
    const two = env.rr.doubleRr && (inbound !== outbound || env.rr.alwaysDoubleRr);
    const single = env.dialect === 'opensips' ? outbound : inbound;
    const mark = two ? ';r2=on' : '';
    if (two)
      out += `Record-Route: <${scheme}:${user}${hostOf(call, outbound, each.advertised)}${transportParameter(env.dialect, outbound)}${mark}${params}>\r\n`;
    const last = two ? inbound : single;
    out += `Record-Route: <${scheme}:${user}${hostOf(call, last, each.advertised)}${transportParameter(env.dialect, last)}${mark}${params}>\r\n`;
  }
  return out;
}

/** The parameter by which later requests of the dialog show which call they belong to and where it leads. */
function dialogToken({ env, message, source, selections }: Call, target: CopyTarget): string {
  return env.dialogs?.parameter(message.callId, selections.used.at(-1), target, source.address) ?? '';
}

/** "user@" of the request-URI, for add_username. */
function userOf(call: Call): string {
  const user = parseUri(call.message.requestUri)?.user ?? '';
  return user === '' ? '' : `${user}@`;
}

/** Host of a Record-Route URI. Like the originals, leaves out port 5060. */
function hostOf(call: Call, socket: SipSocket, advertised: string | undefined): string {
  // As recorded, Kamailio's Record-Route shows the socket even after set_advertised_address().
  const host = advertised ?? (call.env.dialect === 'kamailio' ? socket.sentBy : sentBy(call, socket));
  return host.endsWith(':5060') && socket.transport !== 'tls' ? host.slice(0, -5) : host;
}

/** Transport parameter of a URI of our own. As recorded, Kamailio writes "ws" for WSS too. */
export function transportParameter(dialect: DialectName, socket: SipSocket): string {
  if (socket.transport === 'udp') return '';
  return `;transport=${socket.transport === 'wss' && dialect === 'kamailio' ? 'ws' : socket.transport}`;
}
