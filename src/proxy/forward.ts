import { hash32, text32 } from '../core/mix.js';
import type { SipMessage } from '../sip/message.js';
import { parseMessage } from '../sip/parse-message.js';
import { sortEdits, type TextEdit, viaEdit } from '../sip/reply.js';
import type { SipSocket, Source } from '../sip/transport/transport.js';
import type { DialogTokens } from './dialog-token.js';

/** Input of `forwardedRequest`: the received request and what is added to it. */
export interface Forwarding {
  readonly message: SipMessage;
  readonly source: Source;
  /** Socket it leaves by. */
  readonly socket: SipSocket;
  readonly branch: string;
  /**
   * Whether our Via asks for replies to the source port of the datagram (rport, RFC 3581 section 3) instead of the port
   * in its sent-by.
   */
  readonly rport: boolean;
  /**
   * Token of the connection the request was received on, written into our Via; undefined when a transaction remembers
   * the connection.
   */
  readonly flow?: string | undefined;
  /** New request-URI; undefined keeps the received one. */
  readonly requestUri: string | undefined;
  readonly recordRoute: boolean;
  /** Makes the tokens in Record-Route; undefined: no tokens. */
  readonly tokens: DialogTokens | undefined;
  /** Tags for the token; '' for a dialog that did not begin through this proxy. */
  readonly dialogTags: string;
  readonly edits: readonly TextEdit[];
  readonly hopEdits: readonly TextEdit[] | undefined;
  /** Max-Forwards for a request that has none; default 70. */
  readonly maxForwards?: number | undefined;
}

/**
 * The request as it is sent (RFC 3261 section 16.6): the received bytes with our Via and Record-Route inserted before
 * the first Via, the top Via completed, Max-Forwards decremented, and the router's edits applied.
 */
export function forwardedRequest(f: Forwarding): string {
  const { message, socket } = f;
  const text = message.text;
  let params = f.rport && socket.transport === 'udp' ? ';rport' : '';
  if (f.flow !== undefined) params += `;i=${f.flow}`;
  let added = `Via: SIP/2.0/${viaTransport(socket)} ${socket.sentBy};branch=${f.branch}${params}\r\n`;
  if (f.recordRoute) added += recordRoutes(f);
  let out =
    f.requestUri === undefined
      ? text.slice(0, message.viaLine)
      : `${message.method} ${f.requestUri} SIP/2.0\r\n${text.slice(message.headersStart, message.viaLine)}`;
  const edits: TextEdit[] = [];
  // A loop instead of a spread: V8 handles a spread outside compiled code, and most requests have only one edit.
  for (let i = 0; i < f.edits.length; i++) edits.push(f.edits[i] as TextEdit);
  const { hopEdits } = f;
  if (hopEdits !== undefined) for (let i = 0; i < hopEdits.length; i++) edits.push(hopEdits[i] as TextEdit);
  const via = viaEdit(message, f.source);
  if (via !== undefined) edits.push(via);
  const hops = message.maxForwards;
  if (hops < 0) added += `Max-Forwards: ${f.maxForwards ?? 70}\r\n`;
  else edits.push({ start: message.maxForwardsValue, end: message.maxForwardsEnd, text: String(hops - 1) });
  let at = message.viaLine;
  // An edit of the router may stand before the first Via (in a Route line there); then the head is cut at that position
  // too.
  sortEdits(edits);
  const first = edits[0];
  if (first !== undefined && first.start < message.viaLine) {
    const early = edits.filter((edit) => edit.start < message.viaLine);
    out = editHead(f, early);
    edits.splice(0, early.length);
  }
  out += added;
  for (let i = 0; i < edits.length; i++) {
    const edit = edits[i] as TextEdit;
    out += text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return out + (message.bodyEnd === text.length ? text.slice(at) : text.slice(at, message.bodyEnd));
}

function editHead(f: Forwarding, edits: readonly TextEdit[]): string {
  const { message } = f;
  let out =
    f.requestUri === undefined
      ? message.text.slice(0, message.headersStart)
      : `${message.method} ${f.requestUri} SIP/2.0\r\n`;
  let at = message.headersStart;
  for (const edit of edits) {
    out += message.text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return out + message.text.slice(at, message.viaLine);
}

/**
 * Record-Route lines. One when a dialog arrives and leaves by the same socket, else two, so that requests of each side
 * arrive on the socket that side can reach (RFC 5658); r2=on marks the pair, as OpenSIPS does. A WebSocket client can
 * only be reached over its connection, which a flow token names (RFC 5626 section 5.2, RFC 7118 section 8.1). For a
 * request to a sips URI they are sips URIs (RFC 3261 section 16.6 step 4), but for sockets without TLS.
 */
function recordRoutes(f: Forwarding): string {
  const { message, source, socket: outbound, requestUri, tokens, dialogTags } = f;
  const inbound = source.socket;
  const secure = isSecure(message, requestUri);
  const flow = source.flow !== undefined && !inbound.transport.startsWith('t') ? `${source.flow.id}@` : '';
  const from = secure && hasTls(inbound) ? 'sips' : 'sip';
  const token =
    tokens === undefined || dialogTags === '' ? '' : tokens.parameter(message.callId, inbound, outbound, dialogTags);
  if (inbound === outbound)
    return `Record-Route: <${from}:${flow}${outbound.sentBy}${transportParam(outbound)};lr${token}>\r\n`;
  const to = secure && hasTls(outbound) ? 'sips' : 'sip';
  return (
    `Record-Route: <${to}:${outbound.sentBy}${transportParam(outbound)};r2=on;lr${token}>\r\n` +
    `Record-Route: <${from}:${flow}${inbound.sentBy}${transportParam(inbound)};r2=on;lr${token}>\r\n`
  );
}

/** Whether the forwarded request has a sips request-URI. */
export function isSecure(message: SipMessage, requestUri: string | undefined): boolean {
  const fourth = requestUri === undefined ? message.text.charCodeAt(message.uriStart + 3) : requestUri.charCodeAt(3);
  return (fourth | 32) === 115;
}

/** Whether a socket sends over TLS. */
export function hasTls(socket: SipSocket): boolean {
  return socket.transport === 'tls' || socket.transport === 'wss';
}

function transportParam(socket: SipSocket): string {
  return socket.transport === 'udp' ? '' : `;transport=${socket.transport}`;
}

function viaTransport(socket: SipSocket): string {
  switch (socket.transport) {
    case 'udp':
      return 'UDP';
    case 'tcp':
      return 'TCP';
    case 'tls':
      return 'TLS';
    default:
      return socket.transport.toUpperCase();
  }
}

/** A reply without its topmost Via value, which is ours (RFC 3261 section 16.7 step 3). */
export function replyUpstream(reply: SipMessage): string {
  const text = reply.text;
  const via = reply.via;
  const end = reply.bodyEnd === text.length ? text : text.slice(0, reply.bodyEnd);
  if (via?.more) {
    let next = via.end + 1;
    while (text.charCodeAt(next) === 32 || text.charCodeAt(next) === 9) next++;
    return end.slice(0, reply.viaValue) + end.slice(next);
  }
  return end.slice(0, reply.viaLine) + end.slice(reply.viaEnd + 2);
}

/**
 * A 401 or 407 with the challenges of the other branches added (RFC 3261 section 16.7 step 7): the caller has to answer
 * all of them in one request.
 */
export function withChallenges(
  reply: SipMessage | undefined,
  all: readonly SipMessage[] | undefined,
): SipMessage | undefined {
  if (reply === undefined || all === undefined) return reply;
  const known = new Set<string>();
  let added = '';
  for (const each of [reply, ...all]) {
    for (const name of ['www-authenticate', 'proxy-authenticate']) {
      for (const { line, end } of each.fields(name)) {
        const field = each.text.slice(line, end);
        if (each !== reply && !known.has(field)) added += `${field}\r\n`;
        known.add(field);
      }
    }
  }
  if (added === '') return reply;
  const at = reply.headersEnd;
  return parseMessage(reply.text.slice(0, at) + added + reply.text.slice(at)) ?? reply;
}

/**
 * Short hash over the received fields that usually decide where a request is sent. They change in a spiral but not in a
 * loop (RFC 3261 section 16.6 step 8). The source address is included, since rules depend on it.
 */
export function loopHash(message: SipMessage, source: Source): string {
  const { text, callIdValue, callId } = message;
  let hash = hash32(text, message.cseqNumber, callIdValue, callIdValue + callId.length);
  hash = hash32(text, hash, message.uriStart, message.uriEnd);
  const { routeFields, routeValue, routeEnd } = message;
  if (routeFields > 0) hash = hash32(text, hash, routeValue, routeEnd);
  let at = routeEnd + 2;
  for (let left = routeFields - 1; left > 0; left--) {
    const field = message.nextField('route', at);
    if (field === undefined) break;
    hash = hash32(message.text, hash, field.value, field.end);
    at = field.next;
  }
  return text32(hash32(source.address, hash));
}
