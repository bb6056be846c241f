import type { DestinationChanges } from '../../config/settings.js';
import { readAttributes } from '../../core/attribute-list.js';
import { SwitchyardError } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import { parseUri } from '../../core/uri.js';
import type { Destination, DestinationRow } from '../../engine/destination.js';
import type { SipMessage } from '../../sip/message.js';
import type { TextEdit } from '../../sip/reply.js';

/** What a rule changes of a request for each destination it is tried at, by that destination's attributes. */
export interface CompiledChanges {
  /** The Request-URI with digits taken off and put before its user part; itself where nothing changes. */
  requestUri(uri: string, destination: Destination): string;
  /** Header fields of this try only; undefined for none. */
  edits(message: SipMessage, destination: Destination): readonly TextEdit[] | undefined;
}

type Template = (attributes: ReadonlyMap<string, string>) => string | undefined;

/** Header fields a proxy depends on. */
const RESERVED = /^(?:via|v|from|f|to|t|call-id|i|cseq|max-forwards|content-length|l|route|record-route)$/i;
const HEADER_NAME = /^[A-Za-z0-9!%*_+.~-]{1,64}$/;
/** What a user part may hold as it is (RFC 3261 section 25.1: unreserved and user-unreserved). */
const USER = /^(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/]|%[0-9A-Fa-f]{2})*$/;
const CONTROL = /[\x00-\x1f\x7f]/;
const DIGITS = /^\d{0,9}$/;
/** Digits that may be taken off. */
const MOST_STRIPPED = 64;

/** Called with what a destination's attributes make of a part of the rule that cannot be used, such as a strip of "abc". */
export type UnusableAttribute = (row: DestinationRow, part: string, value: string) => void;

/**
 * Compiles the key "destination" of a rule. What the attributes of a row make of it and cannot be used is left out, and `unusable` is
 * called once for each row. Throws SwitchyardError CONFIG_INVALID for a header name that may not be added.
 */
export function compileChanges(
  { strip, prefix, headers }: DestinationChanges,
  unusable: UnusableAttribute = () => {},
): CompiledChanges {
  const refuse = once(unusable);
  const stripOf = compileTemplate(strip);
  const prefixOf = compileTemplate(prefix);
  const lines = [...headers].map(([name, text]) => {
    if (!HEADER_NAME.test(name) || RESERVED.test(name)) {
      throw new SwitchyardError('CONFIG_INVALID', `header "${name}" cannot be added`);
    }
    return { name, value: compileTemplate(text) };
  });
  const numbers = strip !== '' || prefix !== '';
  return {
    requestUri(uri, { row }) {
      if (!numbers) return uri;
      const attributes = attributesOf(row);
      const digits = stripOf(attributes) ?? '0';
      // A tech prefix often ends with "#", which a user part holds escaped (RFC 3261 section 25.1).
      const before = (prefixOf(attributes) ?? '').replaceAll('#', '%23');
      const known = DIGITS.test(digits);
      if (!known) refuse(row, 'strip', digits);
      const count = known ? Math.min(MOST_STRIPPED, Number(digits)) : 0;
      const fits = USER.test(before);
      if (!fits) refuse(row, 'prefix', before);
      if ((count === 0 && before === '') || !fits) return uri;
      return withUser(uri, (user) => before + user.slice(count));
    },
    edits(message, { row }) {
      if (lines.length === 0) return undefined;
      const attributes = attributesOf(row);
      let text = '';
      for (const { name, value } of lines) {
        const shown = value(attributes);
        // A destination without the attribute gets no such header; a line break would begin another one.
        if (shown === undefined || shown === '') continue;
        if (CONTROL.test(shown)) refuse(row, name, shown);
        else text += `${name}: ${shown}\r\n`;
      }
      const end = message.headersEnd;
      return text === '' ? undefined : [{ start: end, end, text }];
    },
  };
}

/** Writes what cannot be used to a log. */
export function attributeLog(log: Logger): UnusableAttribute {
  return (row, part, value) => {
    const fields = { set: row.setId, destination: row.uri, part, value };
    log.warn(fields, `an attribute of a destination cannot be used: the rule leaves out its ${part}`);
  };
}

/** The first part of each row only. */
function once(unusable: UnusableAttribute): UnusableAttribute {
  const said = new WeakSet<DestinationRow>();
  return (row, part, value) => {
    if (said.has(row)) return;
    said.add(row);
    unusable(row, part, value);
  };
}

/** "id={trunk}": text with attributes in braces; undefined where one of them is missing. */
function compileTemplate(text: string): Template {
  const parts = text.split(/\{([A-Za-z0-9_.-]{1,64})\}/);
  return (attributes) => {
    let out = '';
    for (let i = 0; i < parts.length; i++) {
      const part = i % 2 === 0 ? parts[i] : attributes.get((parts[i] as string).toLowerCase());
      if (part === undefined) return undefined;
      out += part;
    }
    return out;
  };
}

const known = new WeakMap<DestinationRow, ReadonlyMap<string, string>>();

function attributesOf(row: DestinationRow): ReadonlyMap<string, string> {
  let attributes = known.get(row);
  if (attributes === undefined) {
    attributes = readAttributes(row.attrs);
    known.set(row, attributes);
  }
  return attributes;
}

/** A URI with another user part, the number of a tel URI; itself where it has none. */
function withUser(text: string, change: (user: string) => string): string {
  const uri = parseUri(text);
  if (uri === undefined || uri.user === '') return text;
  const start = uri.scheme.length + 1;
  return `${text.slice(0, start)}${change(uri.user)}${text.slice(start + uri.user.length)}`;
}
