import { FNV_BASIS, FNV_PRIME, hash32 } from '../core/mix.js';

/** Bytes at the beginning of a message that are searched for the Call-ID. */
const LOOKED_AT = 16_384;
/** Longest Call-ID that is read when its line has no end. */
const LONGEST = 512;
const SPACE = 32;
const RETURN = 13;
const LINE_FEED = 10;
const NAME = '\r\nCall-ID:';
const ANY_SPELLING = /\r\n(?:call-id|i)[ \t]*:/i;

/**
 * The position of the Call-ID in a message that is not parsed, found without a substring. One object is reused for all
 * messages.
 */
export class CallIdSpan {
  start = 0;
  end = 0;
  /** The hash32 of the Call-ID, as a signed number. */
  hash = 0;

  /** Finds the Call-ID; false when there is none in the searched part, or it is empty. Takes linear time. */
  find(text: string): boolean {
    const line = text.indexOf(NAME);
    if (line < 0) return this.findOther(text);
    const size = text.length;
    let start = line + NAME.length;
    if (start < size && text.charCodeAt(start) === SPACE) start++;
    // One pass to the end of the value, which also computes the hash. Most values have one space before and none after.
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

  /** Reads the value that begins after spaces. */
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
 * Whether a call with this Call-ID hash is in the sample of one call in `oneIn`; 1 or less: always. Both are 32-bit
 * integers, since these divide fast.
 */
export function isOneIn(hash: number, oneIn: number): boolean {
  return oneIn <= 1 || (hash >>> 0) % (oneIn >>> 0) === 0;
}

const span = new CallIdSpan();

/** The Call-ID of a message that is not parsed; '' when there is none in the searched part. Takes linear time. */
export function callIdOf(text: string): string {
  return span.find(text) ? text.slice(span.start, span.end) : '';
}
