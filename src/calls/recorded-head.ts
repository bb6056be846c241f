import { ownText } from '../core/own-text.js';
import { parseMessage } from '../sip/parse-message.js';
import type { RecordedRequest } from './call-watch.js';

/** Characters kept of the request-URI and of each header field. */
const KEPT = 1024;

/**
 * Shortens a request with a long header to its request line, Call-ID, From and To. The parts are copied, since a slice
 * would keep the whole request in memory.
 */
export function headOf({ text, identityEnd }: RecordedRequest): string {
  const message = parseMessage(text.slice(0, identityEnd));
  if (message === undefined) return '';
  const { method, requestUri, callId, from, to } = message;
  const field = (name: string, value: string) => (value === '' ? '' : `${name}: ${value.slice(0, KEPT)}\r\n`);
  const head =
    `${method} ${requestUri.slice(0, KEPT)} SIP/2.0\r\n` +
    field('Call-ID', callId) +
    field('From', from) +
    field('To', to);
  return ownText(head);
}
