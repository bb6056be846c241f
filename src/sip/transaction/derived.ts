import { parseMessage, type SipMessage } from '../message.js';

/**
 * Builds requests from one that was sent: its ACK and its CANCEL. They have its top Via, thus its branch, and its
 * Max-Forwards.
 */

/** ACK for a final reply other than 2xx (RFC 3261 section 17.1.1.3): To from the reply, Route set from the request. */
export function buildAck(request: string, reply: SipMessage): string {
  return derive(request, 'ACK', reply.text.slice(reply.toValue, reply.toEnd));
}

/**
 * The form of a CANCEL. OpenSIPS writes its fields in another order and adds User-Agent; Kamailio adds lines at the
 * end.
 */
export interface CancelForm {
  readonly opensips: boolean;
  /** "User-Agent: ..." with line break. */
  readonly userAgent: string;
}

/** CANCEL for a request (RFC 3261 section 9.1). `lines` are additional header lines. */
export function buildCancel(request: string, lines = '', form?: CancelForm): string {
  if (form?.opensips === true) return opensipsCancel(request, lines + form.userAgent);
  const text = derive(request, 'CANCEL', undefined);
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
