import { byteTexts, withByteTexts, withoutEscapes } from '../../core/byte-texts.js';
import { trimEnd, trimmed, trimStart } from '../../core/characters.js';
import { findLastText, findText } from '../../core/find-text.js';
import { percentDecoded, percentEncoder } from '../../core/uri.js';
import type { TextReader } from '../variables/definition.js';
import {
  digest,
  integerArgument,
  onText,
  searching,
  selection,
  substring,
  type Transform,
  type TransformationDefinition,
} from './definition.js';

/** Maximum length of a padded text. */
const MAX_PADDED = 8192;

const cutOut = substring((text, from, count) => {
  const start = Math.max(0, from);
  return count <= 0 ? text.slice(start) : text.slice(start, start + count);
});

const select = selection((given) => (given === '' ? undefined : given), { separator: null, part: '' });

function fill(pad: (text: string, length: number, token: string) => string): TransformationDefinition {
  return {
    least: 2,
    max: 2,
    make(args) {
      const token = args[0] as TextReader;
      const length = boundedLength(args[1]);
      return (value, context) => pad(String(value), length(context), token.constant ?? token.read(context));
    },
  };
}

function boundedLength(arg: TextReader | undefined): ReturnType<typeof integerArgument> {
  const length = integerArgument(arg, 0, 'length');
  if (arg?.constant !== undefined && Number(arg.constant) > MAX_PADDED) {
    throw new Error(`needs a length of at most ${MAX_PADDED}`);
  }
  return (context) => Math.min(MAX_PADDED, Math.max(0, length(context)));
}

const width: TransformationDefinition = {
  least: 1,
  max: 1,
  make(args) {
    const length = boundedLength(args[0]);
    return (value, context) => {
      const wanted = length(context);
      return String(value).slice(0, wanted).padEnd(wanted);
    };
  },
};

/** Encoding and decoding of {s.xor,secret}: each byte XOR a byte of the secret, which repeats. */
const xor: TransformationDefinition = {
  least: 1,
  max: 1,
  make(args): Transform {
    const secret = args[0] as TextReader;
    return (value, context) => {
      const key = secret.constant ?? secret.read(context);
      if (key === '') return String(value);
      const bytes = Buffer.from(String(value), 'latin1');
      for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] as number) ^ key.charCodeAt(i % key.length);
      return bytes.toString('latin1');
    };
  },
};

/** RFC 3261 section 25.1: all but unreserved and user-unreserved. */
const NOT_IN_USER = /[^A-Za-z0-9\-_.!~*'()&=+$,;?/]/;
/** RFC 3261 section 25.1: all but unreserved and param-unreserved. */
const NOT_IN_PARAMETER = /[^A-Za-z0-9\-_.!~*'()[\]/:&+$]/;

/** The characters that {s.escape.common} escapes, as in SQL literals. */
const ESCAPED = byteTexts(/['"\\\0]/, (code) => (code === 0 ? '\\0' : `\\${String.fromCharCode(code)}`));
const SMALL = byteTexts(/[A-Z]/, (code) => String.fromCharCode(code + 32));
const CAPITAL = byteTexts(/[a-z]/, (code) => String.fromCharCode(code - 32));

/** The byte that a backslash at an index escapes. */
function escapedAfter(text: string, at: number): number | undefined {
  const next = text.charAt(at + 1);
  if (next === '0') return 0;
  return next !== '' && '\'"\\'.includes(next) ? next.charCodeAt(0) : undefined;
}

function reversed(text: string): string {
  const out = Buffer.allocUnsafe(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(text.length - 1 - i);
    // Not a text of bytes.
    if (code > 255) return Array.from(text).reverse().join('');
    out[i] = code;
  }
  return out.toString('latin1');
}

/** The integer at the beginning of a text; 0 when there is none. */
export function integerIn(text: string): number {
  const match = /^[ \t\r\n]*[+-]?[0-9]{1,15}/.exec(text);
  return match === null ? 0 : Number(match[0]);
}

/** Class "s": the value as a string. */
export const stringTransformations: readonly [string, TransformationDefinition][] = [
  ['s.len', onText((text) => text.length)],
  ['s.int', onText(integerIn)],
  ['s.md5', digest('md5')],
  ['s.reverse', onText(reversed)],
  ['s.substr', cutOut],
  ['s.select', select],
  ['s.encode.hexa', onText((text) => Buffer.from(text, 'latin1').toString('hex'))],
  ['s.decode.hexa', onText((text) => Buffer.from(text, 'hex').toString('latin1'))],
  ['s.escape.common', onText((text) => withByteTexts(text, ESCAPED))],
  ['s.unescape.common', onText((text) => withoutEscapes(text, '\\', 2, escapedAfter))],
  ['s.escape.user', onText(percentEncoder(NOT_IN_USER))],
  ['s.unescape.user', onText(percentDecoded)],
  ['s.escape.param', onText(percentEncoder(NOT_IN_PARAMETER))],
  ['s.unescape.param', onText(percentDecoded)],
  ['s.tolower', onText((text) => withByteTexts(text, SMALL))],
  ['s.toupper', onText((text) => withByteTexts(text, CAPITAL))],
  ['s.index', searching((text, needle, start) => findText(text, needle, start ?? 0))],
  ['s.rindex', searching((text, needle, start) => findLastText(text, needle, start ?? text.length))],
  ['s.fill.left', fill((text, length, token) => text.padStart(length, token))],
  ['s.fill.right', fill((text, length, token) => text.padEnd(length, token))],
  ['s.width', width],
  ['s.trim', onText(trimmed)],
  ['s.triml', onText(trimStart)],
  ['s.trimr', onText(trimEnd)],
  ['s.dec2hex', onText((text) => (integerIn(text) >>> 0).toString(16))],
  ['s.hex2dec', onText((text) => Number.parseInt(/^[ \t\r\n]*(?:0x)?[0-9A-Fa-f]{1,12}/i.exec(text)?.[0] ?? '0', 16))],
  ['s.b64encode', onText((text) => Buffer.from(text, 'latin1').toString('base64'))],
  ['s.b64decode', onText((text) => Buffer.from(text, 'base64').toString('latin1'))],
  ['s.xor', xor],
];
