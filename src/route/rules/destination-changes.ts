import type { DestinationChanges } from '../../config/settings.js';
import { readAttributes } from '../../core/attribute-list.js';
import { SwitchyardError } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import { parseUri } from '../../core/uri.js';
import type { Destination, DestinationRow } from '../../engine/destination.js';
import type { SipMessage } from '../../sip/message.js';
import type { TextEdit } from '../../sip/reply.js';

/**
 * The changes that a rule makes to a request for each destination that is tried, depending on the destination's
 * attributes.
 */
export interface CompiledChanges {
  /** The request-URI with digits removed from and added before its user part; the same text where nothing changes. */
  requestUri(uri: string, destination: Destination): string;
  /** Header fields added for this destination only; undefined for none. */
  edits(message: SipMessage, destination: Destination): readonly TextEdit[] | undefined;
}

type Template = (attributes: ReadonlyMap<string, string>) => string | undefined;

/** Header fields that a proxy needs, which a rule may not add. */
const RESERVED = /^(?:via|v|from|f|to|t|call-id|i|cseq|max-forwards|content-length|l|route|record-route)$/i;
const HEADER_NAME = /^[A-Za-z0-9!%*_+.~-]{1,64}$/;
/**
 * Characters that a user part may contain unescaped (RFC 3261 section 25.1: unreserved and user-unreserved), and
 * escapes.
 */
const USER = /^(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/]|%[0-9A-Fa-f]{2})*$/;
const CONTROL = /[\x00-\x1f\x7f]/;
const DIGITS = /^\d{0,9}$/;
/** Maximum number of digits to remove. */
const MAX_STRIPPED = 64;

/**
 * Called when a destination's attribute cannot be used for a part of the rule, such as "abc" as the number of digits to
 * remove.
 */
export type UnusableAttribute = (row: DestinationRow, part: string, value: string) => void;

/**
 * Compiles the key "destination" of a rule. A change is left out when the attributes of a row give an unusable value
 * for it; `unusable` is then called once for each row. Throws SwitchyardError CONFIG_INVALID for a header field that
 * may not be added.
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
      // A tech prefix often ends with "#", which must be escaped in a user part (RFC 3261 section 25.1).
      const before = (prefixOf(attributes) ?? '').replaceAll('#', '%23');
      const known = DIGITS.test(digits);
      if (!known) refuse(row, 'strip', digits);
      const count = known ? Math.min(MAX_STRIPPED, Number(digits)) : 0;
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
        // A destination without the attribute gets no header field. A line break in the value would begin another
        // field.
        if (shown === undefined || shown === '') continue;
        if (CONTROL.test(shown)) refuse(row, name, shown);
        else text += `${name}: ${shown}\r\n`;
      }
      const end = message.headersEnd;
      return text === '' ? undefined : [{ start: end, end, text }];
    },
  };
}

/** Logs unusable attributes. */
export function attributeLog(log: Logger): UnusableAttribute {
  return (row, part, value) => {
    const fields = { set: row.setId, destination: row.uri, part, value };
    log.warn(fields, `an attribute of a destination cannot be used: the rule leaves out its ${part}`);
  };
}

/** Passes on only the first report about each row. */
function once(unusable: UnusableAttribute): UnusableAttribute {
  const said = new WeakSet<DestinationRow>();
  return (row, part, value) => {
    if (said.has(row)) return;
    said.add(row);
    unusable(row, part, value);
  };
}

/**
 * Compiles a text with attributes in braces, such as "id={trunk}"; its result is undefined where an attribute is
 * missing.
 */
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

/** A URI with another user part, or a tel URI with another number; the same text when it has neither. */
function withUser(text: string, change: (user: string) => string): string {
  const uri = parseUri(text);
  if (uri === undefined || uri.user === '') return text;
  const start = uri.scheme.length + 1;
  return `${text.slice(0, start)}${change(uri.user)}${text.slice(start + uri.user.length)}`;
}
