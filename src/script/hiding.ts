import { parseUri, uriParam } from '../core/uri.js';
import type { SipMessage } from '../sip/message.js';
import { buildReply, type TextEdit, type ViaMarking } from '../sip/reply.js';
import type { SipSocket, Source } from '../sip/transport/transport.js';

/** What is hidden of a request: its Via and Record-Route fields, and the address in its Contact. */
export interface Hiding {
  /** Parameter of the Contact that stands for the other side: ";did=3a.1f". */
  readonly params: string;
  /** The user of the Contact stays. */
  readonly keepUser: boolean;
  /** Call-ID the other side knows the call by; undefined: the same on both sides. */
  readonly callId: string | undefined;
  /** Names of URI parameters of a Contact that pass. */
  readonly passed: readonly string[];
}

/** The Contact that stands for the other side, at this proxy. */
function shownContact(
  message: SipMessage,
  socket: SipSocket,
  { params, keepUser, passed }: Hiding,
): TextEdit | undefined {
  const field = message.nextField('contact');
  if (field === undefined) return undefined;
  const value = message.text.slice(field.value, field.end);
  if (value.trim() === '*') return undefined;
  const open = value.indexOf('<');
  const close = open < 0 ? -1 : value.indexOf('>', open);
  const uri = parseUri((close < 0 ? (value.split(';')[0] ?? '') : value.slice(open + 1, close)).trim());
  const user = keepUser && uri !== undefined && uri.user !== '' ? `${uri.user}@` : '';
  const transport = socket.transport === 'udp' ? '' : `;transport=${socket.transport}`;
  const kept = passed.map((name) => {
    const value = uri === undefined ? undefined : uriParam(uri.params, name);
    return value === undefined ? '' : value === '' ? `;${name}` : `;${name}=${value}`;
  });
  // Features of the other side (RFC 3840) stay: they are no address.
  const rest = close < 0 ? '' : value.slice(close + 1).trimEnd();
  return {
    start: field.value,
    end: field.end,
    text: `<sip:${user}${socket.sentBy}${transport}${kept.join('')}${params}>${rest}`,
  };
}

function without(message: SipMessage, name: string): TextEdit[] {
  return [...message.fields(name)].map(({ line, next }) => ({ start: line, end: next, text: '' }));
}

function withCallId({ callIdValue, callIdEnd }: SipMessage, callId: string | undefined): TextEdit[] {
  return callId === undefined || callIdValue < 0 ? [] : [{ start: callIdValue, end: callIdEnd, text: callId }];
}

/** Changes to a request that leaves by a socket, besides our Via. */
export function hidingRequest(message: SipMessage, socket: SipSocket, hiding: Hiding): TextEdit[] {
  const contact = shownContact(message, socket, hiding);
  return [
    ...without(message, 'via'),
    ...without(message, 'record-route'),
    ...withCallId(message, hiding.callId),
    ...(contact === undefined ? [] : [contact]),
  ];
}

/** Changes to a reply: the Via fields of the request are there again, behind our own, which is still its first. */
export function hidingReply(
  reply: SipMessage,
  request: SipMessage,
  source: Source,
  marking: ViaMarking,
  hiding: Hiding,
): TextEdit[] {
  const edits = without(reply, 'record-route');
  if (hiding.callId !== undefined) edits.push(...withCallId(reply, request.callId));
  const contact = shownContact(reply, source.socket, hiding);
  // A redirection names others, not the callee.
  if (contact !== undefined && reply.status < 300) edits.push(contact);
  const built = buildReply(request, source, 200, '', '', '', '', marking);
  const from = built.indexOf('\r\nFrom: ');
  const vias = from < 0 ? '' : built.slice(built.indexOf('\r\n') + 2, from + 2);
  if (reply.viaLine >= 0) edits.push({ start: reply.viaEnd + 2, end: reply.viaEnd + 2, text: vias });
  return edits;
}
