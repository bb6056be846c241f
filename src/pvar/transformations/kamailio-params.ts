import { trimmed } from '../../core/characters.js';
/**
 * Parses a list of parameters as Kamailio's transformations do: "name=value" pairs separated by `separator`. Blanks may
 * surround the parts, and a value may be in single or double quotes. Undefined for any text that is not such a list,
 * also for "".
 *
 * As recorded of 5.6.3: a "," ends the list, even when it is the separator. Names may be empty, except after a
 * separator at the end; a value may be empty only in quotes or at the end of the text. With `strict` (as functions
 * read lists) names may not be empty, and blanks may neither begin the list nor follow a separator at its end.
 */
export function paramList(
  text: string,
  separator: string,
  strict = false,
): [name: string, value: string][] | undefined {
  const pairs: [string, string][] = [];
  let at = blanksFrom(text, 0);
  if (text.charAt(at) === '"' || (strict && at > 0)) return undefined;
  const endsList = (c: string): boolean => c === ',' && !(strict && separator === ',');
  while (at < text.length && !endsList(text.charAt(at))) {
    const start = at;
    while (at < text.length && text.charAt(at) !== '=' && !ends(text.charAt(at), separator)) at++;
    const name = text.slice(start, at);
    let value = '';
    at = blanksFrom(text, at);
    if (text.charAt(at) === '=') {
      at = blanksFrom(text, at + 1);
      const end = valueEnd(text, at, separator);
      if (end === undefined) return undefined;
      const quoted = isQuote(text.charAt(at));
      value = quoted ? text.slice(at + 1, end - 1) : text.slice(at, end);
      if (value === '' && !quoted && end < text.length) return undefined;
      at = blanksFrom(text, end);
    }
    if (strict && name === '') return undefined;
    pairs.push([name, value]);
    const next = text.charAt(at);
    if (next === '' || endsList(next)) break;
    if (next !== separator) return undefined;
    const after = at + 1;
    at = blanksFrom(text, after);
    if (strict && at > after && at === text.length) return undefined;
  }
  // A single separator is not a list.
  return pairs.length === 0 || (pairs.length === 1 && pairs[0]?.[0] === '' && trimmed(text) === separator)
    ? undefined
    : pairs;
}

function ends(c: string, separator: string): boolean {
  return c === separator || c === ',' || isBlank(c);
}

function isBlank(c: string): boolean {
  return c === ' ' || c === '\t' || c === '\r' || c === '\n';
}

function blanksFrom(text: string, start: number): number {
  let at = start;
  while (at < text.length && isBlank(text.charAt(at))) at++;
  return at;
}

function isQuote(c: string): boolean {
  return c === '"' || c === "'";
}

/** The offset at which a value ends; undefined for a quoted value without a closing quote. */
function valueEnd(text: string, start: number, separator: string): number | undefined {
  let at = start;
  const quote = text.charAt(at);
  if (!isQuote(quote)) {
    while (at < text.length && !ends(text.charAt(at), separator)) at++;
    return at;
  }
  for (at++; at < text.length; at++) {
    if (text.charAt(at) === '\\') at++;
    else if (text.charAt(at) === quote) return at + 1;
  }
  return undefined;
}
