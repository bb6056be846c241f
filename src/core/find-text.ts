/**
 * Searches in linear time. The functions of JavaScript may compare the whole pattern at each position: searching for
 * "a...aba...a" in half a message of "a" takes a second. For cases where a peer sends both texts, such as boundary and
 * body of a message, or two header fields that a script compares.
 */

/** Up to so many comparisons in the worst case, the functions of JavaScript are used, which are fastest then. */
const SIMPLE_SEARCH_LIMIT = 262_144;

/** Where `part` occurs first in `text` from `from` on, like indexOf. */
export function findText(text: string, part: string, from = 0): number {
  const begin = Math.max(0, from);
  if (part.length < 2 || (text.length - begin) * part.length <= SIMPLE_SEARCH_LIMIT) return text.indexOf(part, begin);
  if (part.length > text.length - begin) return -1;
  const table = failures(part);
  for (let at = begin, same = 0; at < text.length; at++) {
    const c = text.charCodeAt(at);
    while (same > 0 && part.charCodeAt(same) !== c) same = table[same - 1] as number;
    if (part.charCodeAt(same) === c) same++;
    if (same === part.length) return at - same + 1;
  }
  return -1;
}

/** Where `part` occurs last in `text`, beginning at or before `from`, like lastIndexOf. */
export function findLastText(text: string, part: string, from = text.length): number {
  if (part.length < 2 || text.length * part.length <= SIMPLE_SEARCH_LIMIT) return text.lastIndexOf(part, from);
  const table = failures(part);
  const latest = Math.min(text.length - part.length, Math.max(0, from));
  let found = -1;
  for (let at = 0, same = 0; at < latest + part.length; at++) {
    const c = text.charCodeAt(at);
    while (same > 0 && part.charCodeAt(same) !== c) same = table[same - 1] as number;
    if (part.charCodeAt(same) === c) same++;
    if (same < part.length) continue;
    found = at - same + 1;
    same = table[same - 1] as number;
  }
  return found;
}

/** Whether `text` contains `part`, like includes. */
export function holdsText(text: string, part: string): boolean {
  return findText(text, part) >= 0;
}

/** Splits `text` at each `mark`, like split. */
export function splitAt(text: string, mark: string): string[] {
  if (mark.length < 2 || text.length * mark.length <= SIMPLE_SEARCH_LIMIT) return text.split(mark);
  const parts: string[] = [];
  let from = 0;
  for (let at = findText(text, mark); at >= 0; at = findText(text, mark, from)) {
    parts.push(text.slice(from, at));
    from = at + mark.length;
  }
  parts.push(text.slice(from));
  return parts;
}

/**
 * Replaces each `what` in `text`, like replaceAll, up to `max` characters: replacing each character by a long text
 * would need memory in the product of both lengths.
 */
export function replaceEach(text: string, what: string, by: string, max: number): string {
  const parts = splitAt(text, what);
  if (parts.length === 1) return text;
  const longer = by.length - what.length;
  if (text.length + (parts.length - 1) * longer <= max) return parts.join(by);
  const whole = longer <= 0 ? parts.length - 1 : Math.max(0, Math.floor((max - text.length) / longer));
  const rest = parts.slice(whole).join(what);
  return whole === 0 ? rest : `${parts.slice(0, whole).join(by)}${by}${rest}`;
}

/** Replaces the first `what` in `text`. */
export function replaceFirst(text: string, what: string, by: string): string {
  const at = findText(text, what);
  return at < 0 ? text : text.slice(0, at) + by + text.slice(at + what.length);
}

/**
 * The failure function of Knuth, Morris and Pratt: for each matched length, how much still matches when the next
 * character does not.
 */
function failures(part: string): Int32Array {
  const table = new Int32Array(part.length);
  for (let at = 1, same = 0; at < part.length; at++) {
    const c = part.charCodeAt(at);
    while (same > 0 && part.charCodeAt(same) !== c) same = table[same - 1] as number;
    if (part.charCodeAt(same) === c) same++;
    table[at] = same;
  }
  return table;
}
