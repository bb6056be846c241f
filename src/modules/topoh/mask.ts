import { findLastText, findText, replaceFirst } from '../../core/find-text.js';
import { ipFamily } from '../../core/ip-address.js';
import { bareHost, uriParam } from '../../core/uri.js';
import { applied } from '../../script/edits.js';
import type { ModuleParameters } from '../../script/environment.js';
import {
  MARK_PARAMETER,
  markAt,
  markOf,
  markSpan,
  UNHIDDEN_METHODS,
  type ViaMark,
  viaMark,
} from '../../script/via-mark.js';
import type { SipMessage } from '../../sip/message.js';
import { isToken, parseMessage } from '../../sip/parse-message.js';
import { parseReceivedForEdits } from '../../sip/received.js';
import type { TextEdit } from '../../sip/reply.js';
import { type RouteValue, routeValues } from '../../sip/route-set.js';
import type { Via } from '../../sip/via.js';
import { viaValues } from '../../sip/via-values.js';
import { TextCipher } from './cipher.js';

interface Names {
  readonly ip: string;
  readonly callId: boolean;
  readonly uriName: string;
  readonly uriPrefix: string;
  readonly viaName: string;
  readonly viaPrefix: string;
  readonly callIdPrefix: string;
}

/** Maximum number of Record-Route and Contact values read from one message. */
const MAX_VALUES = 128;
/**
 * Maximum number of values of one message that are hidden or restored, from its top: no message of 64 KB then costs
 * more than some milliseconds. A message forwarded by the rules has fewer Via and Record-Route values: Max-Forwards, 70
 * by RFC 3261 section 16.6, limits them.
 */
const MAX_HIDDEN = 256;

/**
 * Kamailio's topoh: each side sees addresses of the other only encrypted, in URIs and Via fields with the address
 * `mask_ip`. No state is kept, since later messages contain the encrypted addresses. Inside this process messages look
 * as if nothing were hidden.
 */
export class TopologyMask {
  private readonly cipher: TextCipher;
  private readonly names: Names;
  /** Number of values of the current message that may still be hidden or restored. */
  private room = 0;

  /** Throws an Error for a parameter that cannot be written into a message. */
  constructor(parameters: ModuleParameters) {
    this.cipher = new TextCipher(parameters.text('mask_key', '_static_value_'));
    this.names = {
      ip: parameters.text('mask_ip', '127.0.0.8'),
      callId: parameters.flag('mask_callid', false),
      uriName: parameters.text('uparam_name', 'line'),
      uriPrefix: parameters.text('uparam_prefix', 'sr-'),
      viaName: parameters.text('vparam_name', 'branch'),
      viaPrefix: parameters.text('vparam_prefix', 'z9hG4bKsr-'),
      callIdPrefix: parameters.text('callid_prefix', '!!:'),
    };
    const { ip, callIdPrefix, callId: _, ...tokens } = this.names;
    for (const text of Object.values(tokens))
      if (!isToken(text)) throw new Error(`"${text}" is not a name or beginning of a parameter`);
    if (ipFamily(bareHost(ip)) === 0 && !/^[\w.-]+$/.test(ip)) throw new Error(`mask_ip "${ip}" is not an address`);
    if (!/^[!-~]+$/.test(callIdPrefix)) throw new Error(`callid_prefix "${callIdPrefix}" is not valid in a Call-ID`);
  }

  /** A received message with all hidden values restored. */
  received(received: string): string {
    const message = parseReceivedForEdits(received);
    if (message?.via === undefined || UNHIDDEN_METHODS.has(message.method)) return received;
    const { text } = message;
    this.room = MAX_HIDDEN;
    const edits: TextEdit[] = [];
    const wasHidden = this.showCallId(message, edits);
    if (message.isRequest) {
      const uri = this.shown(message.requestUri);
      if (uri !== undefined) edits.push({ start: message.uriStart, end: message.uriEnd, text: uri });
      for (const name of ['route', 'record-route']) this.showAll(message, name, edits);
      const own = markSpan(text, message.via);
      if (own !== undefined) edits.push({ ...own, text: '' });
      const direction = wasHidden ? 'u' : 'd';
      edits.push(markAt(message.text, message.via, { reply: false, direction, own: 0, before: 0 }));
    } else {
      const before = this.showAll(message, 'record-route', edits);
      this.showVias(message, before, edits);
    }
    return edits.length === 0 ? text : applied(text, 0, edits);
  }

  /** A message as it is sent, with values hidden. `spares`: whether a message is sent without hiding. */
  sent(text: string, spares: ((message: SipMessage) => boolean) | undefined): string {
    if (!text.includes(MARK_PARAMETER)) return text;
    const message = parseMessage(text);
    if (message?.via === undefined) return text;
    this.room = MAX_HIDDEN;
    const edits: TextEdit[] = [];
    const [top, ...below] = [...viaValues(message)];
    const mark = top === undefined ? undefined : markOf(text, top);
    const spared = mark !== undefined && spares?.(message) === true;
    for (const via of [top, ...below]) {
      const span = via === undefined ? undefined : markSpan(text, via);
      if (span === undefined) continue;
      // In the next Via the mark says that the reply has to be hidden all the same; the original leaves its own
      // mark there.
      const kept = spared && message.isRequest && via === below[0] ? viaMark(mark) : '';
      edits.push({ ...span, text: kept });
    }
    for (const { line, next } of message.fields('th')) edits.push({ start: line, end: next, text: '' });
    if (mark === undefined || spared) return applied(text, 0, edits);
    if (this.names.callId && mark.direction === (message.isRequest ? 'd' : 'u')) this.hideCallId(message, edits);
    if (message.isRequest) {
      for (const [i, via] of below.entries()) {
        const own = text.slice(via.start, via.end);
        this.hideVia(via, i === 0 ? marked(own, mark) : own, edits);
      }
      // Of two own values the one for the other side is hidden too: it has the address of that side's socket.
      this.hideAll(routeValues(message, 'record-route', MAX_VALUES).slice(Math.min(mark.own, 1)), edits);
      this.hideAll(routeValues(message, 'contact', MAX_VALUES), edits);
    } else if (mark.reply) {
      const routes = routeValues(message, 'record-route', MAX_VALUES);
      // The second own value was hidden from the callee, and is one of those before.
      const own = mark.own === 1 ? 1 : 0;
      this.hideAll(routes.slice(0, Math.max(0, routes.length - mark.before - own)), edits);
      this.hideAll(routeValues(message, 'contact', MAX_VALUES), edits);
    }
    return applied(text, 0, edits);
  }

  /** Restores the Call-ID; true if it was hidden. */
  private showCallId(message: SipMessage, edits: TextEdit[]): boolean {
    const { callIdPrefix, callId } = this.names;
    if (!callId || !message.callId.startsWith(callIdPrefix)) return false;
    const shown = this.cipher.decipher(message.callId.slice(callIdPrefix.length));
    if (shown === undefined) return false;
    edits.push({ start: message.callIdValue, end: message.callIdEnd, text: shown });
    return true;
  }

  private hideCallId(message: SipMessage, edits: TextEdit[]): void {
    if (message.callIdValue < 0) return;
    const text = `${this.names.callIdPrefix}${this.cipher.encipher(message.callId)}`;
    edits.push({ start: message.callIdValue, end: message.callIdEnd, text });
  }

  /** The original of a hidden URI; undefined for other URIs. */
  private shown(uri: string): string | undefined {
    const { uriName, uriPrefix } = this.names;
    const semi = uri.indexOf(';');
    const value = semi < 0 ? undefined : uriParam(uri.slice(semi), uriName);
    return value?.startsWith(uriPrefix) === true ? this.deciphered(value.slice(uriPrefix.length)) : undefined;
  }

  private deciphered(text: string): string | undefined {
    return this.room-- > 0 ? this.cipher.decipher(text) : undefined;
  }

  /** Restores all values of a header field; returns the number of hidden ones. */
  private showAll(message: SipMessage, name: string, edits: TextEdit[]): number {
    let count = 0;
    for (const value of routeValues(message, name, MAX_VALUES)) {
      const uri = this.shown(value.text);
      const at = uri === undefined ? -1 : findText(message.text, value.text, value.start);
      if (uri === undefined || at < 0) continue;
      edits.push({ start: at, end: at + value.text.length, text: uri });
      count++;
    }
    return count;
  }

  private hideAll(values: readonly RouteValue[], edits: TextEdit[]): void {
    const { ip, uriName, uriPrefix } = this.names;
    for (const { text, value, start, end } of values) {
      if (text === '' || text === '*' || this.room-- <= 0) continue;
      const hidden = `<sip:${ip};${uriName}=${uriPrefix}${this.cipher.encipher(text)}>`;
      const open = findLastText(value, `<${text}>`);
      const whole =
        open < 0
          ? replaceFirst(value, text, hidden)
          : value.slice(0, open) + hidden + value.slice(open + text.length + 2);
      edits.push({ start, end, text: whole });
    }
  }

  /** Restores the Via fields below our own; the first of them gets a mark. */
  private showVias(message: SipMessage, before: number, edits: TextEdit[]): void {
    const { viaName, viaPrefix } = this.names;
    const [, ...below] = viaValues(message);
    for (const [i, via] of below.entries()) {
      const value = message.text.slice(via.start, via.end);
      const semi = value.indexOf(';');
      const hidden = semi < 0 ? undefined : uriParam(value.slice(semi), viaName);
      const shown =
        hidden?.startsWith(viaPrefix) === true ? this.deciphered(hidden.slice(viaPrefix.length)) : undefined;
      const text = i === 0 ? answered(shown ?? value, before) : (shown ?? value);
      if (text !== value) edits.push({ start: via.start, end: via.end, text });
    }
  }

  private hideVia({ start, end }: Via, value: string, edits: TextEdit[]): void {
    if (this.room-- <= 0) return;
    const { ip, viaName, viaPrefix } = this.names;
    edits.push({ start, end, text: `SIP/2.0/UDP ${ip};${viaName}=${viaPrefix}${this.cipher.encipher(value)}` });
  }
}

/** A Via value of a request with its mark replaced. */
function marked(value: string, mark: ViaMark): string {
  const span = markSpan(value, { start: 0, end: value.length });
  return span === undefined ? value : value.slice(0, span.start) + viaMark(mark) + value.slice(span.end);
}

/** A restored Via value, in which the mark of the request is replaced by that of the reply. */
function answered(value: string, before: number): string {
  const mark = markOf(value, { start: 0, end: value.length });
  return mark === undefined ? value : marked(value, { ...mark, reply: true, before });
}
