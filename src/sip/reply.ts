import { bareHost } from '../core/uri.js';
import type { SipMessage } from './message.js';
import type { SipSocket, Source } from './transport/transport.js';

/** Reason phrases of the codes in our own replies (RFC 3261 section 21, RFC 6665, RFC 3329). */
const REASONS: Readonly<Record<number, string>> = {
  100: 'Trying',
  180: 'Ringing',
  181: 'Call Is Being Forwarded',
  182: 'Queued',
  183: 'Session Progress',
  200: 'OK',
  202: 'Accepted',
  300: 'Multiple Choices',
  301: 'Moved Permanently',
  302: 'Moved Temporarily',
  305: 'Use Proxy',
  380: 'Alternative Service',
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  410: 'Gone',
  413: 'Request Entity Too Large',
  414: 'Request-URI Too Long',
  415: 'Unsupported Media Type',
  416: 'Unsupported URI Scheme',
  420: 'Bad Extension',
  421: 'Extension Required',
  423: 'Interval Too Brief',
  440: 'Max-Breadth Exceeded',
  473: 'Filtered Destination',
  478: 'Unresolvable destination',
  480: 'Temporarily Unavailable',
  481: 'Call/Transaction Does Not Exist',
  482: 'Loop Detected',
  483: 'Too Many Hops',
  484: 'Address Incomplete',
  485: 'Ambiguous',
  486: 'Busy Here',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  491: 'Request Pending',
  493: 'Undecipherable',
  500: 'Server Internal Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Server Time-out',
  505: 'Version Not Supported',
  513: 'Message Too Large',
  600: 'Busy Everywhere',
  603: 'Decline',
  604: 'Does Not Exist Anywhere',
  606: 'Not Acceptable',
};

/** The standard reason phrase of a code. */
export function reasonPhrase(code: number): string {
  return REASONS[code] ?? (code < 300 ? 'OK' : code < 400 ? 'Redirected' : code < 500 ? 'Request Failure' : 'Failure');
}

/**
 * Builds one of our own replies to `request` (RFC 3261 section 8.2.6). Via fields, From, To, Call-ID and CSeq are
 * copied, except that the top Via gets received and rport, and To gets `toTag` when it has no tag and the code is above
 * 100. Fields that a broken request lacks are left out. A 100 copies the Timestamp (section 8.2.6.1), one from 180 to
 * 299 Record-Route (section 12.1.1). `headers` are complete lines with CRLF.
 */
export function buildReply(
  request: SipMessage,
  source: Source,
  code: number,
  reason: string,
  toTag: string,
  headers = '',
  body = '',
  marking: ViaMarking = 'asked',
): string {
  const text = request.text;
  let out = `SIP/2.0 ${code < 100 ? String(code).padStart(3, '0') : code} ${reason}\r\n`;
  if (request.viaLine >= 0) {
    const edit = markedVia(request, source, marking, true);
    out +=
      edit === undefined
        ? text.slice(request.viaLine, request.viaEnd)
        : `${text.slice(request.viaLine, edit.start)}${edit.text}${text.slice(edit.end, request.viaEnd)}`;
    out += '\r\n';
  }
  if (request.viaFields > 1) {
    let field = request.nextField('via', request.viaEnd + 2);
    for (; field !== undefined; field = request.nextField('via', field.next)) {
      out += `${text.slice(field.line, field.end)}\r\n`;
    }
  }
  // Section 12.1.1; the originals do so for every method, from 180 on.
  if (code >= 180 && code < 300) {
    for (const field of request.fields('record-route')) out += `${text.slice(field.line, field.end)}\r\n`;
  }
  if (request.fromValue >= 0) out += `From: ${text.slice(request.fromValue, request.fromEnd)}\r\n`;
  if (request.toValue >= 0) {
    out += `To: ${text.slice(request.toValue, request.toEnd)}`;
    out += code > 100 && toTag !== '' && request.toTag === '' ? `;tag=${toTag}\r\n` : '\r\n';
  }
  if (request.callIdValue >= 0) out += `Call-ID: ${text.slice(request.callIdValue, request.callIdEnd)}\r\n`;
  if (request.cseqValue >= 0) out += `CSeq: ${text.slice(request.cseqValue, request.cseqEnd)}\r\n`;
  if (code === 100 && request.timestampLine >= 0) {
    out += `${text.slice(request.timestampLine, request.timestampEnd)}\r\n`;
  }
  return `${out}${headers}Content-Length: ${body.length}\r\n\r\n${body}`;
}

/** A change to a message: `text` replaces the characters from `start` to `end`. */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** The text, where the edit is applied before the socket that sends the message is chosen. */
  readonly early?: string;
  /** The text for the socket that sends the message, where it depends on that. */
  readonly leaving?: (socket: SipSocket) => string;
}

/**
 * What the receiver of a request adds to its top Via: received when the source address differs from sent-by, and the
 * source port when the sender asked for rport (RFC 3261 section 18.2.1, RFC 3581 section 4). Undefined when nothing is
 * to be added.
 */
export function viaEdit(request: SipMessage, source: Source): TextEdit | undefined {
  const via = request.via;
  if (via === undefined) return undefined;
  const same =
    via.host === source.address || (via.host.charCodeAt(0) === 91 && via.host.slice(1, -1) === source.address);
  if (same && !via.rport && via.receivedStart === 0) return undefined;
  const text = request.text;
  if (!via.rport) {
    if (via.receivedStart === 0) return { start: via.end, end: via.end, text: `;received=${source.address}` };
    return { start: via.receivedStart, end: via.receivedEnd, text: same ? '' : `;received=${source.address}` };
  }
  // With rport, received is always added. A received value that the sender wrote itself is replaced, since it cannot be
  // trusted.
  const added = `;rport=${source.port};received=${source.address}`;
  if (via.receivedStart === 0) return { start: via.rportStart, end: via.rportEnd, text: added };
  const first = Math.min(via.rportStart, via.receivedStart);
  const last = Math.max(via.rportEnd, via.receivedEnd);
  const between =
    via.rportStart < via.receivedStart
      ? text.slice(via.rportEnd, via.receivedStart)
      : text.slice(via.receivedEnd, via.rportStart);
  return { start: first, end: last, text: added + between };
}

/**
 * How received and rport are written into the Via of a request. "asked": as RFC 3261 and RFC 3581 say. "front": right
 * after sent-by, as OpenSIPS does; "front-forced": there, and rport even if the sender did not ask for it. "ends" and
 * "ends-forced": as Kamailio does, right after sent-by in a forwarded request, at the end of the Via in our own
 * replies.
 */
export type ViaMarking = 'asked' | 'front' | 'front-forced' | 'ends' | 'ends-forced';

/**
 * Whether rport is written even if the sender did not ask for it: replies then go to the port that the request came
 * from.
 */
export function isForced(marking: ViaMarking): boolean {
  return marking.endsWith('forced');
}

/**
 * The edit that a marking requires. `ownReply`: for one of our own replies, where OpenSIPS writes received first and
 * Kamailio last.
 */
export function markedVia(
  request: SipMessage,
  source: Source,
  marking: ViaMarking,
  ownReply: boolean,
): TextEdit | undefined {
  switch (marking) {
    case 'asked':
      return viaEdit(request, source);
    case 'ends':
    case 'ends-forced':
      return endsVia(request, source, marking === 'ends-forced', ownReply);
    default:
      return frontVia(request, source, marking === 'front-forced', ownReply);
  }
}

function frontVia(request: SipMessage, source: Source, forced: boolean, ownReply: boolean): TextEdit | undefined {
  const { via, text } = request;
  if (via === undefined || via.receivedStart !== 0) return viaEdit(request, source);
  const bare = bareHost(via.host);
  if (bare === source.address && !via.rport && !forced) return undefined;
  const at = sentByEnd(request, via.end);
  const received = `;received=${source.address}`;
  const rport = `;rport=${source.port}`;
  if (via.rport) return { start: at, end: via.rportEnd, text: received + text.slice(at, via.rportStart) + rport };
  if (!forced) return { start: at, end: at, text: received };
  return { start: at, end: at, text: ownReply ? received + rport : rport + received };
}

/** Where the parameters of the top Via begin: right after sent-by. */
function sentByEnd({ text, viaValue }: SipMessage, viaEnd: number): number {
  const semicolon = text.indexOf(';', viaValue);
  return semicolon < 0 || semicolon > viaEnd ? viaEnd : semicolon;
}

function endsVia(request: SipMessage, source: Source, forced: boolean, ownReply: boolean): TextEdit | undefined {
  const { via, text } = request;
  if (via === undefined || (via.receivedStart !== 0 && via.rport)) return viaEdit(request, source);
  if (via.receivedStart !== 0) return overReceived(request, source, forced, ownReply);
  const bare = bareHost(via.host);
  const received = bare === source.address && !via.rport ? '' : `;received=${source.address}`;
  if (received === '' && !forced) return undefined;
  const rport = `;rport=${source.port}`;
  if (ownReply) {
    if (via.rport)
      return { start: via.rportStart, end: via.end, text: rport + text.slice(via.rportEnd, via.end) + received };
    return { start: via.end, end: via.end, text: (forced ? rport : '') + received };
  }
  const at = sentByEnd(request, via.end);
  if (via.rport) return { start: at, end: via.rportEnd, text: received + text.slice(at, via.rportStart) + rport };
  return { start: at, end: at, text: (forced ? rport : '') + received };
}

/**
 * As recorded from Kamailio for a Via that came with received: our own reply leaves it and adds one at the end, a
 * forwarded request has the source address in its place.
 */
function overReceived(
  { via, text, viaValue }: SipMessage,
  source: Source,
  forced: boolean,
  ownReply: boolean,
): TextEdit | undefined {
  if (via === undefined) return undefined;
  const rport = forced ? `;rport=${source.port}` : '';
  const received = `;received=${source.address}`;
  if (ownReply) return { start: via.end, end: via.end, text: rport + received };
  const start = forced ? text.indexOf(';', viaValue) : via.receivedStart;
  return { start, end: via.receivedEnd, text: rport + text.slice(start, via.receivedStart) + received };
}

/** Sorts edits by position. There are few, and they are nearly sorted. */
export function sortEdits(edits: TextEdit[]): void {
  for (let i = 1; i < edits.length; i++) {
    const edit = edits[i] as TextEdit;
    let at = i;
    for (; at > 0 && (edits[at - 1] as TextEdit).start > edit.start; at--) edits[at] = edits[at - 1] as TextEdit;
    edits[at] = edit;
  }
}

/** Returns `text` from `from` on with the edits applied; they must be sorted and must not overlap. */
export function applyEdits(text: string, from: number, edits: TextEdit[]): string {
  sortEdits(edits);
  let out = '';
  let at = from;
  for (const edit of edits) {
    out += text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return out + text.slice(at);
}
