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
  /** The user of the Contact in any case. */
  readonly user?: string | undefined;
  /** Where the Contact is kept that was shown first, and is shown from then on; undefined: each is made anew. */
  readonly fixed?: { text: string | undefined } | undefined;
  /** Call-ID the other side knows the call by; undefined: the same on both sides. */
  readonly callId: string | undefined;
  /** Names of URI parameters of a Contact that pass, and of parameters of the field. */
  readonly passed: readonly string[];
  readonly passedFieldParams: readonly string[];
}

/** The Contact that stands for the other side, at this proxy. */
function shownContact(message: SipMessage, socket: SipSocket, hiding: Hiding): TextEdit | undefined {
  const field = message.nextField('contact');
  if (field === undefined) return undefined;
  const value = message.text.slice(field.value, field.end);
  if (value.trim() === '*') return undefined;
  const text = hiding.fixed?.text ?? contactText(value, socket, hiding);
  if (hiding.fixed !== undefined) hiding.fixed.text ??= text;
  return { start: field.value, end: field.end, text };
}

function contactText(value: string, socket: SipSocket, hiding: Hiding): string {
  const { params, keepUser, passed, passedFieldParams } = hiding;
  const open = value.indexOf('<');
  const close = open < 0 ? -1 : value.indexOf('>', open);
  const uri = parseUri((close < 0 ? (value.split(';')[0] ?? '') : value.slice(open + 1, close)).trim());
  const user = hiding.user ?? (keepUser ? uri?.user : '') ?? '';
  const transport = socket.transport === 'udp' ? '' : `;transport=${socket.transport}`;
  const rest = close < 0 ? value.slice(value.split(';')[0]?.length ?? 0) : value.slice(close + 1);
  const kept = paramsIn(uri?.params ?? '', passed);
  return `<sip:${user === '' ? '' : `${user}@`}${socket.sentBy}${transport}${kept}${params}>${paramsIn(rest.trim(), passedFieldParams)}`;
}

/** The parameters of a text that are named, as they stand there. */
function paramsIn(text: string, names: readonly string[]): string {
  return names
    .map((name) => {
      const value = uriParam(text, name);
      return value === undefined ? '' : value === '' ? `;${name}` : `;${name}=${value}`;
    })
    .join('');
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

/** Changes to a reply: the Via fields of the request are there again, after our own, which is still its first. */
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
