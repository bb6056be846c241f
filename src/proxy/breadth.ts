import { trimmed } from '../core/characters.js';
import type { SipMessage } from '../sip/message.js';
import type { TextEdit } from '../sip/reply.js';

/** Max-Breadth assumed for a request without one (RFC 5393 section 5.3.3). */
const DEFAULT_BREADTH = 60;

/**
 * Divides the Max-Breadth of a request among parallel branches: their sum is the received value, so that proxies that
 * fork to each other cannot multiply a call without limit (RFC 5393 section 5.3.3). Returns the edit of each branch;
 * undefined when there are more branches than the request allows. A single branch gets the full value, which needs no
 * edit.
 */
export function divideBreadth(message: SipMessage, branches: number): readonly TextEdit[] | undefined {
  const field = message.nextField('max-breadth');
  const written = field === undefined ? '' : trimmed(message.text.slice(field.value, field.end));
  const breadth = /^[0-9]{1,9}$/.test(written) ? Number(written) : DEFAULT_BREADTH;
  if (breadth < branches) return undefined;
  const each = Math.floor(breadth / branches);
  const more = breadth % branches;
  return Array.from({ length: branches }, (_, i) => {
    const part = String(each + (i < more ? 1 : 0));
    const at = message.headersEnd;
    return field === undefined
      ? { start: at, end: at, text: `Max-Breadth: ${part}\r\n` }
      : { start: field.value, end: field.end, text: part };
  });
}
