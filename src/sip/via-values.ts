import type { SipMessage } from './message.js';
import { parseVia, type Via } from './via.js';

/** Most Via values that are read in one message: Max-Forwards allows no more hops (RFC 3261 section 20.22). */
const MAX_VIAS = 256;

/**
 * The Via values of a message from the top one on, at most `MAX_VIAS`. After a malformed value, the rest of its field
 * is skipped.
 */
export function* viaValues(message: SipMessage): Generator<Via> {
  let left = MAX_VIAS;
  for (const field of message.fields('via')) {
    let via = parseVia(message.text, field.value, field.end);
    while (via !== undefined) {
      if (left-- === 0) return;
      yield via;
      via = via.more ? followingVia(message.text, via, field.end) : undefined;
    }
  }
}

/** The value after `via` in the same field. */
function followingVia(text: string, via: Via, fieldEnd: number): Via | undefined {
  let at = via.end + 1;
  while (at < fieldEnd && text.charCodeAt(at) <= 32) at++;
  return parseVia(text, at, fieldEnd);
}
