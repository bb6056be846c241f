/** A From, To, Contact or Route value cut into its parts (RFC 3261 section 20.10: name-addr or addr-spec). */
export interface AddressValue {
  /** Display name as written, quotes included; '' when there is none. */
  readonly display: string;
  /** addr-spec without angle brackets. */
  readonly uri: string;
  /** Header parameters with leading ";"; '' when there are none. */
  readonly params: string;
}

/**
 * Cuts an address. Without angle brackets everything from the first ";" on belongs to the header, not to the URI
 * (RFC 3261 section 20). Never throws: what cannot be cut is taken as it stands.
 */
export function parseAddress(raw: string): AddressValue {
  const text = raw.trim();
  const from = text.charCodeAt(0) === 34 /* " */ ? endOfQuoted(text, 0) : 0;
  const open = text.indexOf('<', from);
  if (open < 0) {
    const semi = text.indexOf(';', from);
    return semi < 0
      ? { display: '', uri: text, params: '' }
      : { display: '', uri: text.slice(0, semi).trimEnd(), params: text.slice(semi) };
  }
  const close = text.indexOf('>', open);
  const end = close < 0 ? text.length : close;
  const semi = text.indexOf(';', end);
  return {
    display: text.slice(0, open).trim(),
    uri: text.slice(open + 1, end).trim(),
    params: semi < 0 ? '' : text.slice(semi),
  };
}

/** Index just behind the quoted string that begins at `start`, or the end of the text when it is not closed. */
function endOfQuoted(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 92 /* \ */) i++;
    else if (c === 34) return i + 1;
  }
  return text.length;
}

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
      const part = text.slice(start, i).trim();
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
  const wanted = name.toLowerCase();
  for (const [each, value] of paramPairs(params)) if (each.toLowerCase() === wanted) return value;
  return undefined;
}

/** Parameters of a list in order, with or without a leading separator. */
export function paramPairs(params: string, separator: ',' | ';' = ';'): [name: string, value: string][] {
  return splitList(params, separator).map((part) => {
    const equals = part.indexOf('=');
    if (equals < 0) return [part, ''];
    return [part.slice(0, equals).trim(), unquote(part.slice(equals + 1).trim())];
  });
}

/** The content of a quoted string, escapes removed; other text as it is. */
export function unquote(text: string): string {
  if (text.length < 2 || text.charCodeAt(0) !== 34 || text.charCodeAt(text.length - 1) !== 34) return text;
  return text.slice(1, -1).replace(/\\(.)/gs, '$1');
}

/** Digest credentials of a request as the "$a" variables need them. */
export interface Credentials {
  readonly username: string | undefined;
  readonly realm: string | undefined;
  readonly param: (name: string) => string | undefined;
}

/** Parses "Digest username=..., realm=..." (RFC 3261 section 22.4); undefined for another scheme. */
export function parseCredentials(raw: string): Credentials | undefined {
  const match = /^\s*digest\s+/i.exec(raw);
  if (match === null) return undefined;
  const pairs = paramPairs(raw.slice(match[0].length), ',');
  const param = (name: string): string | undefined => pairs.find(([each]) => each.toLowerCase() === name)?.[1];
  return { username: param('username'), realm: param('realm'), param };
}
