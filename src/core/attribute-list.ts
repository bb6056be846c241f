import { trimmed } from './characters.js';
/**
 * Reads the attributes of a destination if they are a list of "name=value" or bare names, separated by ";" or ",". A
 * quoted value (single or double quotes) may contain these separators. Names are returned in lower case; if a name
 * occurs twice, the first counts.
 */
export function readAttributes(text: string): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  let at = 0;
  while (at < text.length) {
    const nameEnd = endOf(text, at, true);
    const name = trimmed(text.slice(at, nameEnd)).toLowerCase();
    let value = '';
    at = nameEnd;
    if (text[at] === '=') {
      const from = at + 1;
      at = valueEnd(text, from);
      value = unquoted(trimmed(text.slice(from, at)));
    }
    if (name !== '' && !attributes.has(name)) attributes.set(name, value);
    at++;
  }
  return attributes;
}

/** Where the text up to a separator ends; with `atEquals` "=" is a separator too. */
function endOf(text: string, from: number, atEquals: boolean): number {
  let at = from;
  while (at < text.length) {
    const c = text[at];
    if (c === ';' || c === ',' || (atEquals && c === '=')) break;
    at++;
  }
  return at;
}

/**
 * Where a value ends: after its closing quote, or at the next separator. Without a closing quote it goes to the end.
 */
function valueEnd(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ' || text[at] === '\t') at++;
  const quote = text[at];
  if (quote !== '"' && quote !== "'") return endOf(text, from, false);
  const close = text.indexOf(quote, at + 1);
  return close < 0 ? text.length : endOf(text, close + 1, false);
}

function unquoted(value: string): string {
  const quote = value[0];
  const isQuoted = value.length > 1 && (quote === '"' || quote === "'") && value.endsWith(quote);
  return isQuoted ? value.slice(1, -1) : value;
}
