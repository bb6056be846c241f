import type { SipMessage } from './message.js';
import { parseVia, type Via } from './via.js';

/** Via values looked at in one message: Max-Forwards allows no more hops (RFC 3261 section 20.22). */
export const MOST_VIAS = 256;

/**
 * The Via values of a message in order, from the topmost on, `MOST_VIAS` at most; what follows a malformed one in its field is
 * left out.
 */
export function* viaValues(message: SipMessage): Generator<Via> {
  let left = MOST_VIAS;
  for (const field of message.fields('via')) {
    let via = parseVia(message.text, field.value, field.end);
    while (via !== undefined) {
      if (left-- === 0) return;
      yield via;
      via = via.more ? followingVia(message.text, via, field.end) : undefined;
    }
  }
}

/** The value after the comma that ends `via`, in the same field. */
function followingVia(text: string, via: Via, fieldEnd: number): Via | undefined {
  let at = via.end + 1;
  while (at < fieldEnd && text.charCodeAt(at) <= 32) at++;
  return parseVia(text, at, fieldEnd);
}
