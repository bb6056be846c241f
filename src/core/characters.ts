/** Examines the characters of a text in place: no substring is made, no pattern is compiled. */

/** One to `most` digits from `start` to `end` as a number; -1 when they are none, or too many. */
export function digitsIn(text: string, start: number, end: number, most: number): number {
  if (end <= start || end - start > most) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Whether `lower`, a name in lower case, is at `start`, in any letter case. */
export function isAt(text: string, start: number, lower: string): boolean {
  for (let i = 0; i < lower.length; i++) {
    const c = text.charCodeAt(start + i);
    const wanted = lower.charCodeAt(i);
    if (c !== wanted && (c < 65 || c > 90 || c + 32 !== wanted)) return false;
  }
  return true;
}

/**
 * Whether two texts are the same but for letter case. The length is looked at first: where a list is searched for a long text,
 * both from a peer, the long one must not be written in lower case for each entry.
 */
export function sameButForCase(one: string, other: string): boolean {
  return one.length === other.length && one.toLowerCase() === other.toLowerCase();
}

/** Length of a text up to which looking through all of it costs less than a loop over the part that counts. */
const SHORT = 4096;

/**
 * Index of the first such character from `from` on, if before `end`; else -1. Unlike `indexOf` it does not search
 * beyond `end`, so that looking into each of many small parts of a long text stays linear in its length.
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
