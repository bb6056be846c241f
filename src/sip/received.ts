import { parseMessage, type SipMessage } from './message.js';

/** Maximum number of lines of a header with line feeds without CR. */
const MAX_LINES = 512;

/**
 * Parses a received message. A line feed without CR ends a header line, as recorded from Kamailio: otherwise a peer could
 * write a header into the value of another one, where the rules do not see it and the next hop does. The parsed text has
 * CRLF instead, so that all readers of a forwarded message find the same lines. An empty line made in this way is
 * a defect: on a stream the next hop could take what follows as another message.
 */
export function parseReceived(text: string): SipMessage | undefined {
  const message = parseMessage(text, true);
  if (message?.hasBareFeed !== true) return message;
  const lines = text.slice(0, message.headersEnd).split(/\r?\n/, MAX_LINES + 1);
  if (lines.length > MAX_LINES) return undefined;
  const head = lines.join('\r\n');
  const ended = parseMessage(head + text.slice(message.headersEnd), true);
  if (ended !== undefined && ended.headersEnd !== head.length) ended.defect ??= 'an empty line within the header';
  return ended;
}
