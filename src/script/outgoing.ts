import type { SipMessage } from '../sip/message.js';
import { parseMessage } from '../sip/parse-message.js';
import { markedVia, type TextEdit, type ViaMarking } from '../sip/reply.js';
import type { SipSocket, Source } from '../sip/transport/transport.js';
import { applied, lengthChange, type MessageEdits } from './edits.js';

/** Input of `outgoingRequest`. */
export interface OutgoingRequest {
  readonly message: SipMessage;
  readonly source: Source;
  readonly socket: SipSocket;
  /** "host:port" of our Via: the socket's own, or one the script set. */
  readonly sentBy: string;
  readonly branch: string;
  /** Parameters of our Via after the branch, each with its semicolon. */
  readonly viaParams: string;
  readonly requestUri: string;
  readonly edits: readonly TextEdit[];
  /** Lines inserted before the first header line: Record-Route. */
  readonly head: string;
  /** Lines inserted right after our Via. */
  readonly belowVia?: string;
  /** How received and rport are written into the Via below ours; undefined when there is no other Via. */
  readonly marking: ViaMarking | undefined;
}

/** The request as it is sent: our Via before the first, edits applied, Content-Length adjusted to the body. */
export function outgoingRequest(o: OutgoingRequest): string {
  const { message, socket } = o;
  const { text } = message;
  const edits: TextEdit[] = [];
  if (o.head !== '') edits.push({ start: message.headersStart, end: message.headersStart, text: o.head });
  for (const edit of o.edits) edits.push(edit);
  const via = `Via: SIP/2.0/${socket.transport.toUpperCase()} ${o.sentBy};branch=${o.branch}${o.viaParams}\r\n${o.belowVia ?? ''}`;
  if (message.viaLine >= 0) edits.push({ start: message.viaLine, end: message.viaLine, text: via });
  else edits.push({ start: message.headersStart, end: message.headersStart, text: via });
  const below = o.marking === undefined ? undefined : markedVia(message, o.source, o.marking, false);
  if (below !== undefined) edits.push(below);
  const whole = message.bodyEnd === text.length ? text : text.slice(0, message.bodyEnd);
  const length = lengthEdit(message, o.edits);
  if (length !== undefined) edits.push(length);
  return `${message.method} ${o.requestUri} SIP/2.0\r\n${applied(whole, message.headersStart, edits)}`;
}

/** The reply as it is forwarded: our Via removed, edits of the script applied. */
export function outgoingReply(reply: SipMessage, edits: readonly TextEdit[], status?: string): string {
  const all: TextEdit[] = [...edits];
  const via = reply.via;
  if (via?.more === true) {
    let next = via.end + 1;
    while (reply.text.charCodeAt(next) === 32 || reply.text.charCodeAt(next) === 9) next++;
    all.push({ start: reply.viaValue, end: next, text: '' });
  } else if (reply.viaLine >= 0) all.push({ start: reply.viaLine, end: reply.viaEnd + 2, text: '' });
  const length = lengthEdit(reply, edits);
  if (length !== undefined) all.push(length);
  const whole = reply.bodyEnd === reply.text.length ? reply.text : reply.text.slice(0, reply.bodyEnd);
  const line = status === undefined ? reply.text.slice(0, reply.headersStart) : `SIP/2.0 ${status}\r\n`;
  return line + applied(whole, reply.headersStart, all);
}

/** The message with its edits applied, as text to be parsed again. */
export function rewritten(message: SipMessage, edits: readonly TextEdit[], firstLine?: string): string {
  const length = lengthEdit(message, edits);
  const all = length === undefined ? edits : [...edits, length];
  return (firstLine ?? message.text.slice(0, message.headersStart)) + applied(message.text, message.headersStart, all);
}

/** The message parsed again with the edits applied. When the result cannot be parsed, the message without them. */
export function edited(message: SipMessage, { empty, list }: MessageEdits): SipMessage {
  return empty ? message : (parseMessage(rewritten(message, list)) ?? message);
}

/**
 * Whether a text contains a line break, which would begin another line of the message. Scripts may unescape texts that
 * peers have written.
 */
export function containsLineBreak(text: string): boolean {
  return text.includes('\n') || text.includes('\r');
}

/** Whether a text has no characters that would end the request-URI in the first line. */
export function isOneWord(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c <= 32 || c === 127) return false;
  }
  return true;
}

/** The new Content-Length when the body is changed. */
function lengthEdit(message: SipMessage, edits: readonly TextEdit[]): TextEdit | undefined {
  const ofBody = edits.filter(({ start }) => start >= message.bodyStart);
  if (ofBody.length === 0) return undefined;
  const text = String(message.bodyEnd - message.bodyStart + lengthChange(ofBody));
  if (message.contentLengthValue < 0) {
    const at = message.headersEnd;
    return { start: at, end: at, text: `Content-Length: ${text}\r\n` };
  }
  return { start: message.contentLengthValue, end: message.contentLengthEnd, text };
}
