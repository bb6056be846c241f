import type { DialectName } from '../cfg/function-table.js';
import { parseUri } from '../core/uri.js';
import type { SipSocket } from '../sip/transport/transport.js';
import type { Call, RecordRouting } from './call.js';
import type { MessageEdits } from './edits.js';
import { hidingRequest } from './hiding.js';
import { edited, outgoingRequest } from './outgoing.js';
import { markOf, viaMark } from './via-mark.js';

/** What one copy of a request leaves with. */
export interface Leaving {
  readonly requestUri: string;
  readonly destinationUri: string | undefined;
  readonly socket: SipSocket | undefined;
  readonly edits: MessageEdits;
  /** Lines put before the first header line besides Record-Route. */
  readonly head: string;
  /** Record-Route as a branch route left it; undefined for that of the call. */
  readonly recorded?: Recorded;
}

/** What stands in Record-Route. */
export interface Recorded {
  readonly routing: readonly RecordRouting[];
  readonly params: string;
}

/** Where a request leaves for, and by which socket. */
export interface LeavingFor {
  readonly socket: SipSocket;
  readonly address: string;
  readonly port: number;
}

/** A request as it leaves by a socket, with Record-Route lines, which need to know it. */
export function forwarded(call: Call, leaving: Leaving, target: LeavingFor, branch: string): string {
  const { socket } = target;
  const { source, hiding } = call;
  // What the script has changed is hidden as it leaves: an address of NAT that it has put into Contact.
  const message = hiding === undefined ? call.message : edited(call.message, leaving.edits);
  let params = '';
  if (call.localRport && socket.transport === 'udp') params += ';rport';
  if (source.flow !== undefined) params += `;i=${source.flow.id}`;
  const routes = hiding === undefined ? recordRoutes(call, target, leaving.recorded) : '';
  // Says to what hides the message how many of its Record-Route values are ours.
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
    edits: hiding === undefined ? leaving.edits.list : hidingRequest(message, socket, hiding),
    head: routes + leaving.head,
    marking: hiding === undefined ? call.marking : undefined,
  });
}

/** What our Via shows when a script set it; undefined for the socket's own. */
export function shownSentBy(call: Call, socket: SipSocket): string | undefined {
  return call.advertisedHost === undefined && call.advertisedPort === undefined ? undefined : sentBy(call, socket);
}

/** Host and port of a socket as they are shown to others. */
export function sentBy(call: Call, socket: SipSocket): string {
  if (call.advertisedHost === undefined && call.advertisedPort === undefined) return socket.sentBy;
  const colon = socket.sentBy.lastIndexOf(':');
  const host = call.advertisedHost ?? socket.sentBy.slice(0, colon);
  return `${host}:${call.advertisedPort ?? socket.sentBy.slice(colon + 1)}`;
}

/** Record-Route lines: two when a dialog comes and goes by different sockets (RFC 5658). */
function recordRoutes(call: Call, target: LeavingFor, recorded?: Recorded): string {
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
    const user = env.rr.addUsername ? userOf(call) : '';
    if (each.preset !== undefined) {
      // As recorded of Kamailio 5.6.3, parameters of the script and of dialog come before "lr" there; the user of add_username stands there, too.
      const kamailio = env.dialect === 'kamailio';
      const preset = kamailio ? tag + own + lr : tag + lr + own;
      for (const host of each.preset) out += `Record-Route: <sip:${kamailio ? user : ''}${host}${preset}>\r\n`;
      continue;
    }
    const two = env.rr.doubleRr && inbound !== outbound;
    const single = env.dialect === 'opensips' ? outbound : inbound;
    const mark = two ? ';r2=on' : '';
    if (two)
      out += `Record-Route: <sip:${user}${hostOf(call, outbound, each.advertised)}${transport(env.dialect, outbound)}${mark}${params}>\r\n`;
    const last = two ? inbound : single;
    out += `Record-Route: <sip:${user}${hostOf(call, last, each.advertised)}${transport(env.dialect, last)}${mark}${params}>\r\n`;
  }
  return out;
}

/** The parameter that shows in later requests of the dialog which call it is of, and where that leads. */
function dialogToken({ env, message, source, selections }: Call, target: LeavingFor): string {
  return env.dialogs?.parameter(message.callId, selections.used.at(-1), target, source.address) ?? '';
}

/** "user@" of the request-URI, for add_username. */
function userOf(call: Call): string {
  const user = parseUri(call.message.requestUri)?.user ?? '';
  return user === '' ? '' : `${user}@`;
}

/** Host of a Record-Route; OpenSIPS and Kamailio leave out the port when it is 5060. */
function hostOf(call: Call, socket: SipSocket, advertised: string | undefined): string {
  const host = advertised ?? sentBy(call, socket);
  return host.endsWith(':5060') && socket.transport !== 'tls' ? host.slice(0, -5) : host;
}

/** As recorded, Kamailio writes "ws" for both kinds of WebSockets. */
function transport(dialect: DialectName, socket: SipSocket): string {
  if (socket.transport === 'udp') return '';
  return `;transport=${socket.transport === 'wss' && dialect === 'kamailio' ? 'ws' : socket.transport}`;
}
