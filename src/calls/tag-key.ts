import { FNV_BASIS, FNV_PRIME } from '../core/mix.js';
import type { SipMessage } from '../sip/message.js';

const EQUALS = 61;
const SEMICOLON = 59;
const ANGLE = 62;
const QUOTE = 34;
const SPACE = 32;

/** A request, with the position where its From field ends, if known. */
export type TaggedRequest = Pick<SipMessage, 'fromTag'> & Partial<Pick<SipMessage, 'text' | 'fromEnd'>>;

/**
 * A 32-bit value of the From tag, to compare it with that of another request. The tag usually stands at the end of the
 * field: it is then read there, without a search or a substring.
 */
export function tagKey(request: TaggedRequest): number {
  const { text, fromEnd } = request;
  if (text === undefined || fromEnd === undefined) return keyOf(request.fromTag);
  let hash = FNV_BASIS | 0;
  let at = fromEnd - 1;
  for (; at > 4; at--) {
    const c = text.charCodeAt(at);
    if (c === EQUALS) break;
    if (c <= SPACE || c === SEMICOLON || c === ANGLE || c === QUOTE) return keyOf(request.fromTag);
    hash = Math.imul(hash ^ c, FNV_PRIME);
  }
  const isTag =
    (text.charCodeAt(at - 1) | 32) === 103 &&
    (text.charCodeAt(at - 2) | 32) === 97 &&
    (text.charCodeAt(at - 3) | 32) === 116 &&
    text.charCodeAt(at - 4) === SEMICOLON;
  return isTag ? hash : keyOf(request.fromTag);
}

function keyOf(tag: string): number {
  let hash = FNV_BASIS | 0;
  for (let at = tag.length - 1; at >= 0; at--) hash = Math.imul(hash ^ tag.charCodeAt(at), FNV_PRIME);
  return hash;
}
