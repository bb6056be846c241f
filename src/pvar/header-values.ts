import { trimmed } from '../core/characters.js';
import { endOfQuoted } from '../core/name-addr.js';

/** Cuts a list at `separator`, not inside quoted strings or angle brackets; parts are trimmed, empty ones left out. */
export function splitList(text: string, separator: ',' | ';'): string[] {
  const parts: string[] = [];
  const mark = separator.charCodeAt(0);
  let start = 0;
  let angle = 0;
  for (let i = 0; i <= text.length; i++) {
    const c = i === text.length ? mark : text.charCodeAt(i);
    if (c === 34 && i < text.length) {
      i = endOfQuoted(text, i) - 1;
    } else if (c === 60 /* < */) {
      angle++;
    } else if (c === 62 /* > */) {
      if (angle > 0) angle--;
    } else if (c === mark && (angle === 0 || i === text.length)) {
      const part = trimmed(text.slice(start, i));
      if (part !== '') parts.push(part);
      start = i + 1;
    }
  }
  return parts;
}

/**
 * The value of a parameter in a ";name=value;flag" list, names compared without case, quotes removed: '' for a
 * parameter without value, undefined when absent.
 */
export function paramValue(params: string, name: string): string | undefined {
  return paramReader(params)(name.toLowerCase());
}

/** Reads several parameters of a list, by their names in lower case; the list is parsed once. */
export function paramReader(params: string, separator: ',' | ';' = ';'): (name: string) => string | undefined {
  const pairs = paramPairs(params, separator);
  return (name) => pairs.find(([each]) => each.toLowerCase() === name)?.[1];
}

/** Parameters of a list in order, with or without a leading separator. */
export function paramPairs(params: string, separator: ',' | ';' = ';'): [name: string, value: string][] {
  return splitList(params, separator).map((part) => {
    const equals = part.indexOf('=');
    if (equals < 0) return [part, ''];
    return [trimmed(part.slice(0, equals)), unquote(trimmed(part.slice(equals + 1)))];
  });
}

/** The content of a quoted string, escapes removed; other text as it is. */
export function unquote(text: string): string {
  if (text.length < 2 || text.charCodeAt(0) !== 34 || text.charCodeAt(text.length - 1) !== 34) return text;
  return text.slice(1, -1).replace(/\\(.)/gs, '$1');
}

/** Digest credentials of a request, as the "$a…" variables read them. */
export interface Credentials {
  readonly username: string | undefined;
  readonly realm: string | undefined;
  readonly param: (name: string) => string | undefined;
}

/** Parses "Digest username=..., realm=..." (RFC 3261 section 22.4); undefined for another scheme. */
export function parseCredentials(raw: string): Credentials | undefined {
  const match = /^[ \t\r\n]*digest[ \t\r\n]+/i.exec(raw);
  if (match === null) return undefined;
  const param = paramReader(raw.slice(match[0].length), ',');
  return { username: param('username'), realm: param('realm'), param };
}
