import { FNV_BASIS, FNV_PRIME, hash32 } from '../core/mix.js';

/** Bytes of a message in which its Call-ID is looked for. */
const LOOKED_AT = 16_384;
/** Characters of a Call-ID whose line does not end. */
const LONGEST = 512;
const SPACE = 32;
const RETURN = 13;
const LINE_FEED = 10;
const NAME = '\r\nCall-ID:';
const ANY_SPELLING = /\r\n(?:call-id|i)[ \t]*:/i;

/** Where the Call-ID of a message that is not parsed stands: found without cutting it out. One object is used over and over. */
export class CallIdSpan {
  start = 0;
  end = 0;
  /** hash32 of it, as a signed number. */
  hash = 0;

  /** Finds it; false when there is none near the beginning, or an empty one. Linear in what is looked at. */
  find(text: string): boolean {
    const line = text.indexOf(NAME);
    if (line < 0) return this.findOther(text);
    const size = text.length;
    let start = line + NAME.length;
    if (start < size && text.charCodeAt(start) === SPACE) start++;
    // In one go to its end, hashing on the way: most have one blank before and none after.
    let hash = FNV_BASIS | 0;
    let at = start;
    let last = 0;
    for (; at < size; at++) {
      const c = text.charCodeAt(at);
      if (c === RETURN) break;
      if (c <= SPACE) return this.findIn(text, start);
      hash = Math.imul(hash ^ c, FNV_PRIME);
      last = c;
    }
    if (last === 0 || at + 1 >= size || text.charCodeAt(at + 1) !== LINE_FEED) return this.findIn(text, start);
    this.start = start;
    this.end = at;
    this.hash = hash;
    return true;
  }

  private findOther(text: string): boolean {
    const match = ANY_SPELLING.exec(text.length > LOOKED_AT ? text.slice(0, LOOKED_AT) : text);
    return match !== null && this.findIn(text, match.index + match[0].length);
  }

  /** The value that begins after blanks. */
  private findIn(text: string, from: number): boolean {
    let at = from;
    let end = text.indexOf('\r\n', at);
    if (end < 0) end = Math.min(text.length, at + LONGEST);
    while (at < end && text.charCodeAt(at) <= SPACE) at++;
    while (end > at && text.charCodeAt(end - 1) <= SPACE) end--;
    this.start = at;
    this.end = end;
    this.hash = hash32(text, 0, at, end) | 0;
    return end > at;
  }
}

/**
 * Whether a call whose Call-ID has this hash is one of those taken, one in so many: all where that is 1 or less. Whole numbers of 32 bits divide
 * fast.
 */
export function isOneIn(hash: number, oneIn: number): boolean {
  return oneIn <= 1 || (hash >>> 0) % (oneIn >>> 0) === 0;
}

const span = new CallIdSpan();

/** The Call-ID of a message that is not parsed; '' when it has none near its beginning. Linear in what is looked at. */
export function callIdOf(text: string): string {
  return span.find(text) ? text.slice(span.start, span.end) : '';
}
