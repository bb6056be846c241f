import { findText } from '../core/find-text.js';
import { parseAddress } from '../core/name-addr.js';
import { parseUri } from '../core/uri.js';
import type { PvarValue } from '../pvar/context.js';
import { kamailioUser } from '../pvar/variables/script-uris.js';

/** Span of a part of an address in its header value. `blank`: a text inserted there has to end with a blank. */
export interface AddressSpan {
  readonly start: number;
  readonly end: number;
  readonly blank: boolean;
}

/**
 * Span of the URI, of its user or host, or of the display name; undefined when the value has no such part that could be
 * replaced.
 */
export function addressSpan(value: string, part: 'uri' | 'user' | 'domain' | 'display'): AddressSpan | undefined {
  const { display, uri } = parseAddress(value);
  const at = findText(value, uri, display === '' ? 0 : findText(value, display) + display.length);
  if (uri === '' || at < 0) return undefined;
  switch (part) {
    case 'display': {
      if (display === '')
        return { start: Math.max(0, value.indexOf('<')), end: Math.max(0, value.indexOf('<')), blank: true };
      const start = findText(value, display);
      return { start, end: start + display.length, blank: false };
    }
    case 'uri':
      return { start: at, end: at + uri.length, blank: false };
    default: {
      const parsed = parseUri(uri);
      if (parsed === undefined || parsed.host === '') return undefined;
      const scheme = parsed.scheme.length + 1;
      if (part === 'user') {
        if (parsed.user === '') return undefined;
        return { start: at + scheme, end: at + scheme + kamailioUser(parsed).length, blank: false };
      }
      const host = findText(uri, parsed.host, uri.indexOf('@') < 0 ? scheme : uri.indexOf('@') + 1);
      return { start: at + host, end: at + host + parsed.host.length, blank: false };
    }
  }
}

/**
 * What replaces a part of an address when a variable such as $fu is set; undefined if nothing changes. As recorded of
 * Kamailio, a number changes nothing, and null removes user and display name with the separator after them.
 */
export function addressEdit(
  field: string,
  part: 'uri' | 'user' | 'domain' | 'display',
  value: PvarValue,
  kamailio: boolean,
): { readonly start: number; readonly end: number; readonly text: string } | undefined {
  const span = addressSpan(field, part);
  if (span === undefined) return undefined;
  const { start, end } = span;
  if (kamailio && typeof value === 'number') return undefined;
  if (kamailio && value === null) {
    if (part === 'uri' || part === 'domain') return undefined;
    const over = end > start && field[end] === (part === 'user' ? '@' : ' ') ? 1 : 0;
    return { start, end: end + over, text: '' };
  }
  const text = value === null ? '' : String(value).replace(/[\r\n]/g, ' ');
  return { start, end, text: span.blank && text !== '' ? `${text} ` : text };
}
