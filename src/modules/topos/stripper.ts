import type { Clock } from '../../core/clock.js';
import { ownText } from '../../core/own-text.js';
import type { Adder, AdderPeers } from '../../core/owned-entries.js';
import type { Random } from '../../core/random.js';
import { bareHost, parseUri } from '../../core/uri.js';
import { applied } from '../../script/edits.js';
import { MARK_PARAMETER, markAt, markOf, markSpan, UNHIDDEN_METHODS, type ViaMark } from '../../script/via-mark.js';
import type { SipMessage } from '../../sip/message.js';
import { parseMessage } from '../../sip/parse-message.js';
import { parseReceivedForEdits } from '../../sip/received.js';
import type { TextEdit } from '../../sip/reply.js';
import { routeValues, uriOf } from '../../sip/route-set.js';
import { parseVia } from '../../sip/via.js';
import { type ContactForm, dialogNamed, type Seen, shownContact } from './contact.js';
import { type End, type HiddenDialog, type HiddenRequest, keepCallee, type TopologyRecords } from './records.js';

/** The parameters of topos for rewriting messages. */
export interface StripperOptions {
  readonly contact: ContactForm;
  /** Whether Record-Route values of a request inside the dialog, and of its reply, replace the stored ones. */
  readonly rrUpdate: boolean;
  /** Methods whose messages get no Contact of this proxy, in upper case. */
  readonly noContact: ReadonlySet<string>;
}

/** Maximum number of Record-Route values read from one message. */
const MAX_VALUES = 128;
/** Methods whose Contact replaces the stored one of the sending side (RFC 3261 section 12.2, RFC 3311, RFC 6665). */
const REFRESHING: ReadonlySet<string> = new Set(['INVITE', 'UPDATE', 'SUBSCRIBE', 'NOTIFY', 'REFER']);
/** Methods whose 2xx establishes a dialog. */
const LASTING: ReadonlySet<string> = new Set(['INVITE', 'SUBSCRIBE', 'REFER']);

/**
 * Kamailio's topos: removes from sent messages everything that shows the path of a message, keeps it in memory, and
 * restores it in the messages that come back. Inside this process messages look as if nothing were hidden; a mark in
 * Via fields says which dialog and direction they belong to.
 */
export class TopologyStripper {
  constructor(
    private readonly records: TopologyRecords,
    private readonly options: StripperOptions,
    private readonly clock: Pick<Clock, 'monotonic'>,
    private readonly random: Pick<Random, 'token'>,
    private readonly peers?: AdderPeers | undefined,
  ) {}

  /** A received message with the hidden parts restored. `spares`: whether a message is left as received. */
  received(received: string, spares?: (message: SipMessage) => boolean): string {
    const message = parseReceivedForEdits(received);
    if (message?.via === undefined || UNHIDDEN_METHODS.has(message.cseqMethod)) return received;
    const { text } = message;
    const edits: TextEdit[] = [];
    if (message.isRequest) {
      const own = markSpan(text, message.via);
      if (own !== undefined) edits.push({ ...own, text: '' });
      const dialog = this.within(message);
      if (dialog !== undefined && spares?.(message) === true) return text;
      const direction = dialog?.seen === 'b' ? 'u' : 'd';
      if (dialog !== undefined) restoreTarget(message, dialog, edits);
      const mark = { reply: false, direction, own: 0, before: 0, dialog: dialog?.id } as const;
      edits.push(markAt(message.text, message.via, mark));
    } else {
      const now = this.clock.monotonic();
      const request = this.records.request(message.via.branch, now);
      if (request === undefined || request.method !== message.cseqMethod || spares?.(message) === true) return text;
      this.learn(message, request, now);
      restoreRouting(message, request, edits);
    }
    return edits.length === 0 ? text : applied(text, 0, edits);
  }

  /** A message as it is sent, with parts hidden. `spares`: whether a message is sent without hiding. */
  sent(text: string, spares?: (message: SipMessage) => boolean): string {
    if (!text.includes(MARK_PARAMETER)) return text;
    const message = parseMessage(text);
    if (message?.via === undefined) return text;
    const edits: TextEdit[] = [];
    const mark = markOf(text, message.via);
    const [top, ...below] = [...message.fields('via')];
    for (const field of [top, ...below]) {
      const via = field === undefined ? undefined : parseVia(text, field.value, field.end);
      const span = via === undefined ? undefined : markSpan(text, via);
      if (span !== undefined) edits.push({ ...span, text: '' });
    }
    if (mark === undefined || spares?.(message) === true) return applied(text, 0, edits);
    if (!message.isRequest) {
      if (mark.reply) this.stripReply(message, mark, edits);
    } else if (below.length > 0) {
      const request = this.kept(message, mark, below);
      if (request !== undefined) this.stripRequest(message, request, edits);
    }
    return applied(text, 0, edits);
  }

  /** The dialog named in a request's request-URI, if its Call-ID and tags match. */
  private within(message: SipMessage): Restored | undefined {
    const uri = message.toTag === '' ? undefined : message.parsedUri;
    const named = uri === undefined ? undefined : dialogNamed(uri, this.options.contact);
    const dialog = named === undefined ? undefined : this.records.dialog(named.id, this.clock.monotonic());
    if (named === undefined || dialog === undefined || dialog.callId !== message.callId) return undefined;
    const { seen, id } = named;
    if (seen === 'b') {
      if (message.toTag !== dialog.callerTag) return undefined;
      return { seen, id, end: dialog.caller, own: dialog.own };
    }
    const callee = message.fromTag === dialog.callerTag ? dialog.callees.get(message.toTag) : undefined;
    if (callee === undefined) return undefined;
    const routes = [...callee.routes].reverse();
    return { seen, id, end: { contact: callee.contact, routes }, own: [...dialog.own].reverse() };
  }

  /** Stores a sent request; undefined when its dialog is unknown. */
  private kept(
    message: SipMessage,
    mark: ViaMark,
    below: readonly { value: number; end: number }[],
  ): HiddenRequest | undefined {
    const now = this.clock.monotonic();
    const branch = message.via?.branch ?? '';
    const again = this.records.request(branch, now);
    if (again !== undefined && again.method === message.method) return again;
    const initial = mark.dialog === undefined;
    if (initial && message.toTag !== '') return undefined;
    const values = routeValues(message, 'record-route', MAX_VALUES).map((each) => ownText(each.value));
    const [own, routes] = [values.slice(0, mark.own), values.slice(mark.own)];
    const dialog =
      mark.dialog === undefined
        ? this.begun(message, own, routes, this.senderOf(message, below[0]))
        : this.records.dialog(mark.dialog, now);
    if (dialog === undefined) return undefined;
    const vias = below.map(({ value, end }) => ownText(unmarked(message.text.slice(value, end))));
    const request = { dialog, method: ownText(message.method), direction: mark.direction, vias, own, routes, initial };
    if (!initial && REFRESHING.has(message.method)) this.refresh(message, request);
    // An ACK gets no reply.
    if (message.method !== 'ACK') this.records.leaves(ownText(branch), request, now);
    return request;
  }

  /** The source of a request: the hop below this proxy. Its Via has the address from which it was received. */
  private senderOf({ text }: SipMessage, field: { value: number; end: number } | undefined): Adder | undefined {
    const via = field === undefined ? undefined : parseVia(text, field.value, field.end);
    if (via === undefined || this.peers === undefined) return undefined;
    return { source: ownText(via.received || bareHost(via.host)), peers: this.peers };
  }

  private begun(
    message: SipMessage,
    own: readonly string[],
    routes: readonly string[],
    by: Adder | undefined,
  ): HiddenDialog {
    const contact = contactOf(message);
    return {
      id: this.random.token(10),
      callId: ownText(message.callId),
      callerTag: ownText(message.fromTag),
      own,
      users: { caller: ownText(parseUri(contact)?.user ?? ''), callee: ownText(message.parsedUri?.user ?? '') },
      caller: { contact: ownText(contact), routes },
      callees: new Map(),
      by,
    };
  }

  /** Updates Contact and routes of the end that sends a request inside a dialog. */
  private refresh(message: SipMessage, { dialog, direction, routes }: HiddenRequest): void {
    const contact = contactOf(message);
    if (contact === '') return;
    const { rrUpdate } = this.options;
    const moved = (end: End | undefined): End => ({
      contact: ownText(contact),
      routes: rrUpdate ? routes : (end?.routes ?? []),
    });
    if (direction === 'd') dialog.caller = moved(dialog.caller);
    else keepCallee(dialog, ownText(message.fromTag), moved(dialog.callees.get(message.fromTag)));
  }

  /** Stores what a reply says about the end that sends it. */
  private learn(message: SipMessage, request: HiddenRequest, now: number): void {
    const { dialog, direction, method, initial } = request;
    const { status, toTag } = message;
    const contact = status > 100 && status < 300 && toTag !== '' ? contactOf(message) : '';
    if (contact !== '' && (initial ? LASTING : REFRESHING).has(method)) {
      const before = direction === 'u' ? dialog.caller : dialog.callees.get(toTag);
      const routes =
        before === undefined || (initial && direction === 'd') || this.options.rrUpdate
          ? routeValues(message, 'record-route', MAX_VALUES).map((each) => ownText(each.value))
          : before.routes;
      const end = { contact: ownText(contact), routes };
      if (direction === 'u') dialog.caller = end;
      else keepCallee(dialog, ownText(toTag), end);
      this.records.kept(dialog, now);
    }
    if (status >= 200)
      this.records.final(ownText(message.via?.branch ?? ''), request, outcomeOf(method, status, initial), now);
  }

  private stripRequest(message: SipMessage, { dialog, direction }: HiddenRequest, edits: TextEdit[]): void {
    let first = true;
    for (const { line, next } of message.fields('via')) {
      if (!first) edits.push({ start: line, end: next, text: '' });
      first = false;
    }
    remove(message, 'record-route', edits);
    remove(message, 'contact', edits);
    if (!this.options.noContact.has(message.method)) this.show(message, dialog, direction === 'd' ? 'b' : 'a', edits);
  }

  private stripReply(message: SipMessage, mark: ViaMark, edits: TextEdit[]): void {
    const values = routeValues(message, 'record-route', MAX_VALUES);
    const kept = values.slice(Math.max(0, values.length - mark.before));
    const [first] = values;
    remove(message, 'record-route', edits);
    if (first !== undefined && mark.before > 0)
      edits.push({
        start: first.line,
        end: first.line,
        text: lines(
          'Record-Route',
          kept.map((each) => each.value),
        ),
      });
    const { status, cseqMethod, toTag } = message;
    // The Contacts of a redirection name third parties, not the callee.
    if (status >= 300 && status < 400) return;
    const has = message.nextField('contact') !== undefined;
    remove(message, 'contact', edits);
    if (this.options.noContact.has(cseqMethod) || mark.dialog === undefined) return;
    const dialog = this.records.dialog(mark.dialog, this.clock.monotonic());
    const end = mark.direction === 'u' ? dialog?.caller : dialog?.callees.get(toTag);
    const known = status < 300 && end !== undefined && end.contact !== '';
    // A request outside dialogs that creates none has no further requests. As recorded, OPTIONS counts as creating one,
    // MESSAGE does not.
    if (dialog === undefined) return;
    const lasts = LASTING.has(cseqMethod) || (cseqMethod === 'OPTIONS' && dialog.own.length > 0);
    if ((has || known) && (end !== undefined || lasts))
      this.show(message, dialog, mark.direction === 'd' ? 'a' : 'b', edits);
  }

  private show(message: SipMessage, dialog: HiddenDialog, seen: Seen, edits: TextEdit[]): void {
    const contact = shownContact(dialog, seen, this.options.contact);
    if (contact !== undefined)
      edits.push({ start: message.headersEnd, end: message.headersEnd, text: `Contact: ${contact}\r\n` });
  }
}

/** Target of a request inside a dialog: its other end, after our own Route values. */
interface Restored {
  readonly seen: Seen;
  readonly id: string;
  readonly end: End;
  readonly own: readonly string[];
}

function restoreTarget(message: SipMessage, { end, own }: Restored, edits: TextEdit[]): void {
  if (end.contact !== '') edits.push({ start: message.uriStart, end: message.uriEnd, text: end.contact });
  const text = lines('Route', [...own, ...end.routes]);
  edits.push({ start: message.headersEnd, end: message.headersEnd, text });
}

/** Puts Via and Record-Route of the request back into its reply; the first Via below ours gets a mark. */
function restoreRouting(
  message: SipMessage,
  { dialog, direction, vias, own, routes }: HiddenRequest,
  edits: TextEdit[],
): void {
  const mark = { reply: true, direction, own: own.length, before: routes.length, dialog: dialog.id };
  const at = message.viaEnd + 2;
  const [first = '', ...others] = vias;
  edits.push({ start: at, end: at, text: lines('Via', [marked(first, mark), ...others]) });
  if (message.status === 100) return;
  let end = at;
  for (const { next } of message.fields('record-route')) end = next;
  edits.push({ start: end, end, text: lines('Record-Route', [...own, ...routes]) });
}

function outcomeOf(method: string, status: number, initial: boolean): 'confirms' | 'ends' | 'neither' {
  if (method === 'BYE') return status < 300 || status === 408 || status === 481 ? 'ends' : 'neither';
  return status < 300 && (!initial || LASTING.has(method)) ? 'confirms' : 'neither';
}

function remove(message: SipMessage, name: string, edits: TextEdit[]): void {
  for (const { line, next } of message.fields(name)) edits.push({ start: line, end: next, text: '' });
}

function lines(name: string, values: readonly string[]): string {
  return values.map((each) => `${name}: ${each}\r\n`).join('');
}

function contactOf(message: SipMessage): string {
  const field = message.nextField('contact');
  const uri = field === undefined ? '' : uriOf(message.text.slice(field.value, field.end));
  return uri === '*' || /[ \t\r\n]/.test(uri) ? '' : uri;
}

function marked(value: string, mark: ViaMark): string {
  const via = parseVia(value, 0, value.length);
  if (via === undefined) return value;
  const { start, text } = markAt(value, via, mark);
  return value.slice(0, start) + text + value.slice(start);
}

function unmarked(value: string): string {
  const via = parseVia(value, 0, value.length);
  const span = via === undefined ? undefined : markSpan(value, via);
  return span === undefined ? value : value.slice(0, span.start) + value.slice(span.end);
}
