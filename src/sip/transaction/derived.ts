import { parseMessage, type SipMessage } from '../message.js';

/** Requests that are made from one already sent: its ACK and its CANCEL. They keep its top Via, so they share its branch. */

/** ACK for a non-2xx final reply (RFC 3261 section 17.1.1.3): To of the reply, Route set of the request. */
export function buildAck(request: string, reply: SipMessage): string {
  return derive(request, 'ACK', reply.text.slice(reply.toValue, reply.toEnd));
}

/** CANCEL for a request (RFC 3261 section 9.1). `lines` are header lines put before Content-Length. */
export function buildCancel(request: string, lines = ''): string {
  return derive(request, 'CANCEL', undefined, lines);
}

function derive(text: string, method: string, to: string | undefined, lines = ''): string {
  const request = parseMessage(text);
  if (request?.via === undefined) return '';
  const via = request.via;
  let out = `${method} ${request.requestUri} SIP/2.0\r\nVia: ${text.slice(via.start, via.end)}\r\n`;
  for (const route of request.fields('route')) out += `${text.slice(route.line, route.end)}\r\n`;
  out += `Max-Forwards: 70\r\nFrom: ${text.slice(request.fromValue, request.fromEnd)}\r\n`;
  out += `To: ${to ?? text.slice(request.toValue, request.toEnd)}\r\n`;
  out += `Call-ID: ${text.slice(request.callIdValue, request.callIdEnd)}\r\n`;
  return `${out}CSeq: ${request.cseqNumber} ${method}\r\n${lines}Content-Length: 0\r\n\r\n`;
}
