import { trimEnd, trimmed } from './characters.js';
/** The parts of a From, To, Contact or Route value (RFC 3261 section 20.10: name-addr or addr-spec). */
export interface AddressValue {
  /** Display name as written, quotes included; '' when there is none. */
  readonly display: string;
  /** addr-spec without angle brackets. */
  readonly uri: string;
  /** Header parameters with leading ";"; '' when there are none. */
  readonly params: string;
}

/**
 * Parses an address. Without angle brackets, everything from the first ";" on belongs to the header, not to the URI
 * (RFC 3261 section 20). Never throws: a text that cannot be parsed is taken as the URI.
 */
export function parseAddress(raw: string): AddressValue {
  const text = trimmed(raw);
  const from = text.charCodeAt(0) === 34 /* the double quote */ ? endOfQuoted(text, 0) : 0;
  const open = text.indexOf('<', from);
  if (open < 0) {
    const semicolon = text.indexOf(';', from);
    return semicolon < 0
      ? { display: '', uri: text, params: '' }
      : { display: '', uri: trimEnd(text.slice(0, semicolon)), params: text.slice(semicolon) };
  }
  const close = text.indexOf('>', open);
  const end = close < 0 ? text.length : close;
  const semicolon = text.indexOf(';', end);
  return {
    display: trimmed(text.slice(0, open)),
    uri: trimmed(text.slice(open + 1, end)),
    params: semicolon < 0 ? '' : text.slice(semicolon),
  };
}

/** The addr-spec of a From, To or Contact value. Never throws; '' when there is none. */
export function addrSpecOf(value: string): string {
  return parseAddress(value).uri;
}

/** Index after the quoted string that begins at `start`; the length of the text if it is not closed. */
export function endOfQuoted(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 92 /* the backslash */) i++;
    else if (c === 34 /* the double quote */) return i + 1;
  }
  return text.length;
}
