import { trimEnd } from '../../core/characters.js';
import type { SipMessage } from '../message.js';
import { parseMessage } from '../parse-message.js';

/**
 * Builds requests from one that was sent: its ACK and its CANCEL. They have its top Via, thus its branch, and its
 * Max-Forwards.
 */

/**
 * ACK for a final reply other than 2xx (RFC 3261 section 17.1.1.3): To from the reply, Route set from the request. In
 * Kamailio's form its fields are in the order of the request.
 */
export function buildAck(request: string, reply: SipMessage, form?: DerivedForm): string {
  const to = reply.text.slice(reply.toValue, reply.toEnd);
  return form?.opensips === false ? inOrder(request, 'ACK', to, form.extra) : derive(request, 'ACK', to);
}

/**
 * The form of an ACK and a CANCEL. OpenSIPS writes the fields of a CANCEL in another order and adds User-Agent;
 * Kamailio keeps the order of the request, and adds lines at the end.
 */
export interface DerivedForm {
  readonly opensips: boolean;
  /** "User-Agent: ..." with line break. */
  readonly userAgent: string;
  /** Kamailio: further fields whose names begin so are taken from the request, too; in lower case, '' for none. */
  readonly extra: string;
}

/** CANCEL for a request (RFC 3261 section 9.1). `lines` are additional header lines. */
export function buildCancel(request: string, lines = '', form?: DerivedForm): string {
  if (form?.opensips === true) return opensipsCancel(request, lines + form.userAgent);
  const text =
    form === undefined ? derive(request, 'CANCEL', undefined) : inOrder(request, 'CANCEL', undefined, form.extra);
  return lines === '' ? text : `${text.slice(0, -2)}${lines}\r\n`;
}

function opensipsCancel(text: string, lines: string): string {
  const request = parseMessage(text);
  if (request?.via === undefined) return '';
  const { via } = request;
  let out = `CANCEL ${request.requestUri} SIP/2.0\r\nVia: ${text.slice(via.start, via.end)}\r\n`;
  out += `From: ${text.slice(request.fromValue, request.fromEnd)}\r\n`;
  out += `Call-ID: ${text.slice(request.callIdValue, request.callIdEnd)}\r\n`;
  out += `To: ${text.slice(request.toValue, request.toEnd)}\r\nCSeq: ${request.cseqNumber} CANCEL\r\nMax-Forwards: 70\r\n`;
  for (const route of request.fields('route')) out += `${text.slice(route.line, route.end)}\r\n`;
  return `${out}${lines}Content-Length: 0\r\n\r\n`;
}

function derive(text: string, method: string, to: string | undefined): string {
  const request = parseMessage(text);
  if (request?.via === undefined) return '';
  const via = request.via;
  let out = `${method} ${request.requestUri} SIP/2.0\r\nVia: ${text.slice(via.start, via.end)}\r\n`;
  for (const route of request.fields('route')) out += `${text.slice(route.line, route.end)}\r\n`;
  const hops = request.maxForwards;
  out += `Max-Forwards: ${hops >= 0 ? hops : 70}\r\nFrom: ${text.slice(request.fromValue, request.fromEnd)}\r\n`;
  out += `To: ${to ?? text.slice(request.toValue, request.toEnd)}\r\n`;
  out += `Call-ID: ${text.slice(request.callIdValue, request.callIdEnd)}\r\n`;
  return `${out}CSeq: ${request.cseqNumber} ${method}\r\nContent-Length: 0\r\n\r\n`;
}

/** Fields that an ACK or a CANCEL takes from its request, with their compact forms. */
const TAKEN: ReadonlySet<string> = new Set('route max-forwards from f to t call-id i cseq content-length l'.split(' '));

/** Fields that an ACK or a CANCEL never takes from its request, with their compact forms. */
const LEFT: ReadonlySet<string> = new Set('via v require proxy-require'.split(' '));

/**
 * Fields in the order and with the names of the request as it was sent, as recorded of Kamailio. A field that the
 * request does not have is not added.
 */
function inOrder(text: string, method: string, to: string | undefined, extra: string): string {
  const request = parseMessage(text);
  if (request?.via === undefined) return '';
  const { via, viaLine, toValue, cseqValue } = request;
  let out = `${method} ${request.requestUri} SIP/2.0\r\n`;
  for (const { line, nameEnd, value, end } of request.fields()) {
    if (line === viaLine) {
      out += `Via: ${text.slice(via.start, via.end)}\r\n`;
      continue;
    }
    const name = text.slice(line, nameEnd).toLowerCase();
    if (!TAKEN.has(name) && (extra === '' || !name.startsWith(extra) || LEFT.has(name))) continue;
    if (value === toValue && to !== undefined) out += `${text.slice(line, value)}${to}\r\n`;
    else if (value === cseqValue)
      out += `${trimEnd(text.slice(line, end)).slice(0, -request.cseqMethod.length)}${method}\r\n`;
    else if (name === 'l' || name === 'content-length') out += `${text.slice(line, value)}0\r\n`;
    else out += `${text.slice(line, end)}\r\n`;
  }
  return `${out}\r\n`;
}
