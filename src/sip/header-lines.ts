import { indexWithin, isAt, isWhiteSpace, trimmed } from '../core/characters.js';

/** Position of the next CRLF at or after `from`, -1 for none. JavaScript engines search for one character fastest. */
export function endOfLine(text: string, from: number): number {
  let at = text.indexOf('\n', from);
  while (at >= 0 && (at === from || text.charCodeAt(at - 1) !== 13)) at = text.indexOf('\n', at + 1);
  return at < 0 ? -1 : at - 1;
}

/** Whether a character is a blank or a tab. */
export function isBlank(c: number): boolean {
  return c === 32 || c === 9;
}

/** Whether the line that begins at a position continues the line before it. */
export function isFold(text: string, at: number): boolean {
  const c = text.charCodeAt(at);
  return c === 32 || c === 9;
}

/** The first position from `from` on that has no white space, at most `end`. */
export function skipBlank(text: string, from: number, end: number): number {
  let at = from;
  while (at < end && isWhiteSpace(text.charCodeAt(at))) at++;
  return at;
}

/** Joins the lines of a folded value (RFC 3261 section 7.3.1). */
export function unfold(value: string): string {
  let fold = value.indexOf('\r\n');
  if (fold < 0) return value;
  // The pieces are joined once, since a peer may fold a value ten thousand times.
  const pieces: string[] = [];
  let at = 0;
  for (; fold >= 0; fold = value.indexOf('\r\n', Math.max(at, fold + 2))) {
    let next = fold + 2;
    while (isBlank(value.charCodeAt(next))) next++;
    if (next === fold + 2) continue;
    let end = fold;
    while (end > at && isBlank(value.charCodeAt(end - 1))) end--;
    pieces.push(value.slice(at, end));
    at = next;
  }
  pieces.push(value.slice(at));
  return pieces.join(' ');
}

/**
 * The tag parameter of a From or To value. It is searched after the closing ">", or without one after the first ";".
 */
export function tagOf(text: string, start: number, end: number): string {
  let at = start;
  if (text.charCodeAt(at) === 34) {
    at++;
    while (at < end && text.charCodeAt(at) !== 34) at += text.charCodeAt(at) === 92 ? 2 : 1;
  }
  const open = indexWithin(text, '<', at, end);
  if (open >= 0) {
    const close = indexWithin(text, '>', open, end);
    if (close < 0) return '';
    at = close;
  }
  for (;;) {
    const semi = indexWithin(text, ';', at, end);
    if (semi < 0) return '';
    at = skipBlank(text, semi + 1, end);
    if (isAt(text, at, 'tag')) {
      const equals = skipBlank(text, at + 3, end);
      if (text.charCodeAt(equals) === 61) {
        const value = skipBlank(text, equals + 1, end);
        const stop = indexWithin(text, ';', value, end);
        return trimmed(text.slice(value, stop < 0 ? end : stop));
      }
    }
  }
}
