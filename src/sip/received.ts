import type { SipMessage } from './message.js';
import { BAD_NAME, parseMessage } from './parse-message.js';

/** Maximum number of lines of a header that has a CR or a line feed alone. */
const MAX_LINES = 512;

/**
 * Parses a received message. A line feed without CR ends a header line, as recorded from Kamailio, and a CR without
 * line feed is a blank: otherwise a peer could write a header into the value of another one, where the rules do not see
 * it and the next hop does. The parsed text has CRLF and blanks instead, so that all readers of a forwarded message
 * find the same lines. An empty line made in this way is a defect: on a stream the next hop could take what follows as
 * another message.
 */
export function parseReceived(text: string): SipMessage | undefined {
  let message = parseMessage(text, true);
  if (message?.hasBareBreak === true) message = withWholeBreaks(text, message.headersEnd);
  // A zero byte may stand in a quoted text, but a name would end there for servers written in C.
  const zero = text.indexOf('\0');
  if (message !== undefined && zero >= 0 && zero < message.headersEnd && namesHaveZero(message))
    message.defect ??= BAD_NAME;
  return message;
}

/**
 * Parses a received message for a caller that changes its text before the layer parses that again. Undefined also for a
 * message with a defect that could not be found in the parsed text, whose line breaks are whole: it must stay as
 * received.
 */
export function parseReceivedForEdits(received: string): SipMessage | undefined {
  const message = parseReceived(received);
  return message?.defect !== undefined && message.text !== received ? undefined : message;
}

function withWholeBreaks(text: string, headersEnd: number): SipMessage | undefined {
  const lines = text.slice(0, headersEnd).split(/\r?\n/, MAX_LINES + 1);
  if (lines.length > MAX_LINES) return undefined;
  const head = lines.map((line) => line.split('\r').join(' ')).join('\r\n');
  const message = parseMessage(head + text.slice(headersEnd), true);
  if (message !== undefined && message.headersEnd !== head.length) message.defect ??= 'an empty line within the header';
  return message;
}

function namesHaveZero(message: SipMessage): boolean {
  for (const { line, nameEnd } of message.fields()) {
    if (message.text.slice(line, nameEnd).includes('\0')) return true;
  }
  return false;
}
