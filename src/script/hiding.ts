import { trimmed } from '../core/characters.js';
import { parseUri, uriParam } from '../core/uri.js';
import type { SipMessage } from '../sip/message.js';
import { buildReply, type TextEdit, type ViaMarking } from '../sip/reply.js';
import type { SipSocket, Source } from '../sip/transport/transport.js';

/** What topology hiding replaces in a message: Via and Record-Route fields, and the address in Contact. */
export interface Hiding {
  /** Parameters of the Contact that replaces the hidden one: ";did=3a.1f". */
  readonly params: string;
  /** Whether the user of the Contact is kept. */
  readonly keepUser: boolean;
  /** User of the Contact, whatever the hidden one has; undefined: see `keepUser`. */
  readonly user?: string | undefined;
  /** Holds the Contact that was sent first and is sent again from then on; undefined: each message gets a new one. */
  readonly fixed?: { text: string | undefined } | undefined;
  /** Call-ID in messages to the other side; undefined: the same on both sides. */
  readonly callId: string | undefined;
  /**
   * Names of the URI parameters, and of the header parameters, that the replacing Contact takes from the hidden one.
   */
  readonly passed: readonly string[];
  readonly passedFieldParams: readonly string[];
}

/** Edit that replaces Contact by an address of this proxy. */
function shownContact(message: SipMessage, socket: SipSocket, hiding: Hiding): TextEdit | undefined {
  const field = message.nextField('contact');
  if (field === undefined) return undefined;
  const value = message.text.slice(field.value, field.end);
  if (trimmed(value) === '*') return undefined;
  const text = hiding.fixed?.text ?? contactText(value, socket, hiding);
  if (hiding.fixed !== undefined) hiding.fixed.text ??= text;
  return { start: field.value, end: field.end, text };
}

function contactText(value: string, socket: SipSocket, hiding: Hiding): string {
  const { params, keepUser, passed, passedFieldParams } = hiding;
  const open = value.indexOf('<');
  const close = open < 0 ? -1 : value.indexOf('>', open);
  const uri = parseUri(trimmed(close < 0 ? (value.split(';')[0] ?? '') : value.slice(open + 1, close)));
  const user = hiding.user ?? (keepUser ? uri?.user : '') ?? '';
  const transport = socket.transport === 'udp' ? '' : `;transport=${socket.transport}`;
  const rest = close < 0 ? value.slice(value.split(';')[0]?.length ?? 0) : value.slice(close + 1);
  const kept = paramsIn(uri?.params ?? '', passed);
  return `<sip:${user === '' ? '' : `${user}@`}${socket.sentBy}${transport}${kept}${params}>${paramsIn(trimmed(rest), passedFieldParams)}`;
}

/** Those parameters of a text that are in `names`, unchanged. */
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

/** Edits that hide the topology in a request sent from a socket, besides adding our Via. */
export function hidingRequest(message: SipMessage, socket: SipSocket, hiding: Hiding): TextEdit[] {
  const contact = shownContact(message, socket, hiding);
  return [
    ...without(message, 'via'),
    ...without(message, 'record-route'),
    ...withCallId(message, hiding.callId),
    ...(contact === undefined ? [] : [contact]),
  ];
}

/** Edits for a reply: puts the Via fields of the request back, after our own, which is still the first. */
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
  // The Contacts of a redirection and of 485 (RFC 3261, section 21.4.23) name third parties, not the callee.
  const namesOthers = (reply.status >= 300 && reply.status < 400) || reply.status === 485;
  if (contact !== undefined && !namesOthers) edits.push(contact);
  // Via, and in replies that begin a dialog the Record-Route of the proxies before this one.
  const built = buildReply(request, source, reply.status, '', '', '', '', marking);
  const from = built.indexOf('\r\nFrom: ');
  const copied = from < 0 ? '' : built.slice(built.indexOf('\r\n') + 2, from + 2);
  if (reply.viaLine >= 0) edits.push({ start: reply.viaEnd + 2, end: reply.viaEnd + 2, text: copied });
  return edits;
}
