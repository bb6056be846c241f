import { type AddressValue, parseAddress } from '../core/name-addr.js';
import { parseUri, type SipUri } from '../core/uri.js';

/**
 * Returns a parser that remembers the URI it parsed last. The variables of a format read the same few texts repeatedly,
 * so one slot for each role nearly always hits, and nothing has to be cleared between messages.
 */
export function lastUri(): (text: string) => SipUri | undefined {
  let text: string | undefined;
  let uri: SipUri | undefined;
  return (wanted) => {
    if (wanted !== text) {
      uri = parseUri(wanted);
      text = wanted;
    }
    return uri;
  };
}

/** An address header with its URI parsed. */
export interface ParsedAddress extends AddressValue {
  readonly parsed: SipUri | undefined;
}

/** Like `lastUri`, for the values of From and To. */
export function lastAddress(): (raw: string) => ParsedAddress {
  let text: string | undefined;
  let address: ParsedAddress = { display: '', uri: '', params: '', parsed: undefined };
  return (raw) => {
    if (raw !== text) {
      const { display, uri: written, params } = parseAddress(raw);
      // An address whose bracket is not closed has no URI.
      const uri = raw.includes('<') && !raw.includes('>') ? '' : written;
      address = { display, uri, params, parsed: parseUri(uri) };
      text = raw;
    }
    return address;
  };
}
