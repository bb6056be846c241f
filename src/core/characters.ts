/** Functions that examine the characters of a text without a substring or a regular expression. */

/**
 * The number in one to `max` digits from `start` to `end`; -1 if there is another character, or there are too many.
 */
export function digitsIn(text: string, start: number, end: number, max: number): number {
  if (end <= start || end - start > max) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Whether the text at `start` is `lower` in any letter case; `lower` must be lower case. */
export function isAt(text: string, start: number, lower: string): boolean {
  for (let i = 0; i < lower.length; i++) {
    const c = text.charCodeAt(start + i);
    const wanted = lower.charCodeAt(i);
    if (c !== wanted && (c < 65 || c > 90 || c + 32 !== wanted)) return false;
  }
  return true;
}

/**
 * Whether two texts differ at most in letter case. Lengths are compared first: a peer may send both a list and a long
 * text to search for, and the long text must not be converted to lower case for each entry.
 */
export function sameButForCase(one: string, other: string): boolean {
  return one.length === other.length && one.toLowerCase() === other.toLowerCase();
}

/** Up to this length, searching the whole text is faster than a loop over the relevant part. */
const SHORT = 4096;

/**
 * Index of a character from `from` to before `end`; -1 if there is none. Unlike `indexOf` it does not search beyond
 * `end`, so searching many small parts of a long text takes linear time.
 */
export function indexWithin(text: string, character: string, from: number, end: number): number {
  if (text.length <= SHORT) {
    const at = text.indexOf(character, from);
    return at < end ? at : -1;
  }
  const code = character.charCodeAt(0);
  for (let at = from; at < end; at++) if (text.charCodeAt(at) === code) return at;
  return -1;
}

/** Whether a code is white space of SIP: a blank, a tab, CR or line feed. */
export function isWhiteSpace(code: number): boolean {
  return code === 32 || code === 9 || code === 13 || code === 10;
}

/** Removes leading white space of SIP only: JavaScript's trimStart() would also remove bytes of UTF-8 such as A0. */
export function trimStart(text: string): string {
  let from = 0;
  while (isWhiteSpace(text.charCodeAt(from))) from++;
  return from === 0 ? text : text.slice(from);
}

/** Removes white space at the end, by the same rule. */
export function trimEnd(text: string): string {
  let to = text.length;
  while (to > 0 && isWhiteSpace(text.charCodeAt(to - 1))) to--;
  return to === text.length ? text : text.slice(0, to);
}

/** Removes white space at both ends, by the same rule. */
export function trimmed(text: string): string {
  return trimEnd(trimStart(text));
}

/** `trimmed` for a text that may be missing. */
export function trimmedIfThere(text: string | undefined): string | undefined {
  return text === undefined ? undefined : trimmed(text);
}
