import { trimEnd, trimmed, trimStart } from '../../core/characters.js';
import { coreHash } from '../../core/core-hash.js';
import { replaceEach } from '../../core/find-text.js';
import { parseUri, percentDecoded, percentEncoder, uriParam } from '../../core/uri.js';
import type { PvarValue } from '../context.js';
import { paramValue } from '../header-values.js';
import { formatTime } from '../time-format.js';
import type { TextReader } from '../variables/definition.js';
import { kamailioUser, lenientUri } from '../variables/script-uris.js';
import { decodeBase58, decodeLenient, decodeSeptets, encodeBase58, encodeSeptets } from './codings.js';
import {
  digest,
  integerArgument,
  onText,
  position,
  selection,
  substring,
  type Transform,
  type TransformationDefinition,
  uriParameters,
} from './definition.js';
import { paramList } from './kamailio-params.js';
import {
  address,
  aliasOf,
  duri,
  nameBefore,
  partOf,
  parts,
  toBody,
  transportSuffix,
  unbracketed,
  uriOfAlias,
  uriParameter,
  userAt,
  userOf,
} from './kamailio-uris.js';
import { matchingSubstitution } from './regex.js';
import { stringTransformations } from './strings.js';

/** Transports that "uri.tosocket" accepts. */
const SOCKET_TRANSPORTS = new Set(['udp', 'tcp', 'tls', 'sctp', 'ws', 'wss']);

/** A transformation with one text argument. */
function withText(run: (text: string, argument: string) => PvarValue): TransformationDefinition {
  return {
    least: 1,
    max: 1,
    make(args) {
      const argument = args[0] as TextReader;
      return (value, context) => run(String(value), argument.constant ?? argument.read(context));
    },
  };
}

/** A transformation with one number, which is optional when there is a default. */
function withNumber(run: (text: string, number: number) => PvarValue, otherwise?: number): TransformationDefinition {
  return {
    least: otherwise === undefined ? 1 : 0,
    max: 1,
    make(args) {
      const number = integerArgument(args[0], otherwise ?? 0, 'number');
      return (value, context) => run(String(value), number(context));
    },
  };
}

/** Maximum length of a text after a replacement. */
const MAX_TEXT = 65_536;

const cut = substring((text, start, count) => {
  if (start < 0 || start >= text.length || count < 0) return null;
  return count === 0 ? text.slice(start) : text.slice(start, start + count);
});

const cutOut: TransformationDefinition = {
  ...cut,
  make(args) {
    if (trimmed(args[1]?.constant ?? '').startsWith('-')) throw new Error('needs a length of 0 or more');
    return cut.make(args);
  },
};

/** As recorded, text with control characters cannot be escaped. */
const escaped = (name: 's.escape.user' | 's.escape.param'): TransformationDefinition => {
  const shared = new Map(stringTransformations).get(name) as TransformationDefinition;
  return {
    ...shared,
    make(args) {
      const make = shared.make(args);
      return (value, context) => (/[^\x20-\x7e]/.test(String(value)) ? null : make(value, context));
    },
  };
};

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const BASE64_URL = /^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}(?:==)?|[A-Za-z0-9_-]{3}=?)?$/;

const select = selection((given) => given[0], { separator: '', part: '' });

/** As recorded, an argument of blanks counts as empty. */
function isBlank(text: string): boolean {
  return trimmed(text) === '';
}

/** The character in an argument; for an empty argument a character that no text contains. */
function markOf(text: string): string {
  return isBlank(text) ? '\0' : text.charAt(0);
}

const replace: TransformationDefinition = {
  least: 2,
  max: 2,
  make(args) {
    const [what, by] = args as [TextReader, TextReader];
    return (value, context) => {
      const wanted = what.constant ?? what.read(context);
      if (isBlank(wanted)) return String(value);
      const put = by.constant ?? by.read(context);
      return replaceEach(String(value), wanted, isBlank(put) ? '' : put, MAX_TEXT);
    };
  },
};

/**
 * The first character, the first two characters, and so on, separated by commas, each between quotes where `quote` is
 * not ''.
 */
function prefixes(text: string, max: number, quote = ''): string | null {
  const count = max > 0 ? Math.min(max, text.length) : text.length;
  // The result grows with the square of the text's length. As recorded, there is no result when it would exceed the
  // original's buffer.
  if ((count * (count + 3 + 4 * quote.length)) / 2 >= 65_536) return null;
  return Array.from({ length: count }, (_, i) => quote + text.slice(0, i + 1) + quote).join(',');
}

/**
 * Splits a text into lines of `width`; all but the first are indented. As recorded, `width` - 1 lines have one
 * character and the last has the rest.
 */
function lines(indent: string): TransformationDefinition {
  return {
    least: 2,
    max: 2,
    make(args) {
      const width = integerArgument(args[0], 0, 'width');
      const times = integerArgument(args[1], 0, 'indentation');
      return (value, context) => {
        const text = String(value);
        const single = Math.min(text.length, Math.max(1, width(context)) - 1);
        const before = indent.repeat(Math.min(64, Math.max(0, times(context))));
        const parts: string[] = [];
        for (let i = 0; i < single; i++) parts.push(text[i] as string);
        if (single < text.length) parts.push(text.slice(single));
        return parts.join(`\r\n${before}`);
      };
    },
  };
}

const before = (text: string, at: number): string => (at < 0 ? text : text.slice(0, at));
const after = (text: string, at: number): string => (at < 0 ? '' : text.slice(at + 1));

/**
 * A transformation of a parameter list: `found` gets the list and the first argument, if the transformation has one.
 * The last argument may give a separator other than ";". A text that is not a list gives null.
 */
function ofParams(
  subject: 'none' | 'name' | 'number',
  found: (pairs: readonly [string, string][], name: string, at: number | undefined) => PvarValue,
): TransformationDefinition {
  const own = subject === 'none' ? 0 : 1;
  return {
    least: own,
    max: own + 1,
    make(args) {
      const name = subject === 'name' ? (args[0] as TextReader) : undefined;
      const number = subject === 'number' ? integerArgument(args[0], 0, 'number') : undefined;
      const separator = args[own];
      return (value, context) => {
        const mark = separator === undefined ? ';' : (separator.constant ?? separator.read(context));
        const pairs = paramList(String(value), mark === '' ? ';' : mark);
        if (pairs === undefined) return null;
        const wanted = name === undefined ? '' : trimmed(name.constant ?? name.read(context));
        return found(pairs, wanted, number === undefined ? undefined : position(number(context), pairs.length));
      };
    },
  };
}

/** The value of the parameter with that name, as written. */
function named(pairs: readonly [string, string][], name: string): string | undefined {
  return pairs.find(([each]) => each === name)?.[1];
}

/** As recorded, "" stays "", and a text that is not a 32-bit number gives null. */
function integerText(text: string): PvarValue {
  if (text === '') return '';
  const number = /^[+-]?[0-9]{1,18}$/.test(text) ? Number(text) : undefined;
  return number === undefined || number !== (number | 0) ? null : number;
}

/** As recorded, "" gives null. */
function unlessEmpty(transform: Transform): Transform {
  return (value, context) => (value === '' ? null : transform(value, context));
}

const lineList = (text: string): string[] => (text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r?\n/));

/**
 * Transformations of kamailio.cfg that route scripts lack or have in another form. What is missing in the input gives
 * "".
 */
export const kamailioTransformations: readonly [string, TransformationDefinition][] = [
  ['s.int', onText(integerText)],
  ['s.substr', cutOut],
  ['s.select', select],
  ['s.ltrim', onText(trimStart)],
  ['s.rtrim', onText(trimEnd)],
  ['s.rm', withText((text, what) => (isBlank(what) ? text : replaceEach(text, what, '', MAX_TEXT)))],
  ['s.replace', replace],
  ['s.strip', withNumber((text, count) => text.slice(Math.max(0, count)))],
  ['s.striptail', withNumber((text, count) => text.slice(0, Math.max(0, text.length - Math.max(0, count))))],
  ['s.prefixes', withNumber(prefixes, 0)],
  ['s.prefixes.quoted', withNumber((text, max) => prefixes(text, max, "'"), 0)],
  ['s.unquote', onText((text) => (/^(["']).*\1$/s.test(text) ? text.slice(1, -1) : text))],
  ['s.rmws', onText((text) => text.replace(/[ \t\r\n]+/g, ''))],
  ['s.after', withText((text, mark) => after(text, text.indexOf(markOf(mark))))],
  ['s.before', withText((text, mark) => before(text, text.indexOf(markOf(mark))))],
  ['s.rafter', withText((text, mark) => after(text, text.lastIndexOf(markOf(mark))))],
  ['s.rbefore', withText((text, mark) => before(text, text.lastIndexOf(markOf(mark))))],
  ['s.count', withText((text, mark) => text.split(mark[0] ?? '\0').length - 1)],
  ['s.numeric', onText((text) => text.replace(/[^0-9]+/g, ''))],
  ['s.fmtlines', lines(' ')],
  ['s.fmtlinet', lines('\t')],
  ['s.sha256', digest('sha256')],
  ['s.sha384', digest('sha384')],
  ['s.sha512', digest('sha512')],
  [
    's.corehash',
    withNumber((text, size) => {
      const hash = coreHash(text, undefined, 0);
      return String(size === 0 ? hash : (hash & (size - 1)) >>> 0);
    }, 0),
  ],
  ['s.escape.user', escaped('s.escape.user')],
  ['s.escape.param', escaped('s.escape.param')],
  [
    's.decode.hexa',
    // As recorded, half a byte at the end is ignored.
    onText((text) => (/^[0-9a-f]*$/i.test(text) ? Buffer.from(text, 'hex').toString('latin1') : null)),
  ],
  ['s.encode.base64', onText((text) => Buffer.from(text, 'latin1').toString('base64'))],
  ['s.decode.base64', onText((text) => (BASE64.test(text) ? Buffer.from(text, 'base64').toString('latin1') : null))],
  [
    's.encode.base64url',
    onText((text) => Buffer.from(text, 'latin1').toString('base64').replaceAll('+', '-').replaceAll('/', '_')),
  ],
  [
    's.decode.base64url',
    onText((text) => (BASE64_URL.test(text) ? Buffer.from(text, 'base64url').toString('latin1') : null)),
  ],
  ['s.encode.base58', onText(encodeBase58)],
  ['s.decode.base58', onText(decodeBase58)],
  ['s.encode.7bit', onText(encodeSeptets)],
  ['s.decode.7bit', onText(decodeSeptets)],
  // Text that is not a number gives null; "" counts as 0.
  [
    's.ftime',
    withText((text, format) =>
      /^-?\d{0,12}$/.test(text) ? formatTime(format, new Date((Number.parseInt(text, 10) || 0) * 1000)) : null,
    ),
  ],
  ['s.urlencode.param', onText(percentEncoder(/[^A-Za-z0-9_.~-]/))],
  ['s.urldecode.param', onText((text) => percentDecoded(text.replaceAll('+', ' ')))],
  ['s.encode.base64t', onText((text) => Buffer.from(text, 'latin1').toString('base64').replaceAll('=', ''))],
  ['s.decode.base64t', onText(decodeLenient)],
  ['s.encode.base64urlt', onText((text) => Buffer.from(text, 'latin1').toString('base64url'))],
  ['s.decode.base64urlt', onText((text) => Buffer.from(text, 'base64url').toString('latin1'))],
  ['urialias.encode', onText((text) => (text === '' ? null : aliasOf(text)))],
  ['urialias.decode', onText(uriOfAlias)],
  ['s.escape.csv', onText((text) => `"${text.replaceAll('"', '""')}"`)],
  ['s.unbracket', onText(unbracketed)],
  ['uri.user', partOf(kamailioUser)],
  ['uri.host', partOf((uri) => uri.host)],
  ['uri.passwd', partOf((uri) => uri.password)],
  ['uri.port', partOf((uri) => uri.port ?? '')],
  ['uri.params', partOf((uri) => (uri.scheme === 'tel' ? '' : uri.params.slice(1)))],
  [
    'uri.param',
    withText((text, name) => {
      const uri = parseUri(text);
      return uri === undefined ? null : (uriParam(uri.params, trimmed(name).toLowerCase()) ?? '');
    }),
  ],
  ['uri.headers', partOf((uri) => uri.headers.slice(1))],
  ...uriParameters(uriParameter),
  // As written: "SIP" stays in capitals.
  [
    'uri.scheme',
    onText((text) =>
      (parseUri(text) ?? lenientUri(text)) === undefined ? null : trimmed(text.slice(0, text.indexOf(':'))),
    ),
  ],
  [
    'uri.tosocket',
    // As recorded, only a URI with a transport parameter has a default port here, and only TLS has one of its own.
    partOf((uri) => {
      const transport = (uriParam(uri.params, 'transport') ?? '').toLowerCase();
      if (!SOCKET_TRANSPORTS.has(transport)) return null;
      return `${transport}:${uri.host}:${uri.port ?? (transport === 'tls' ? 5061 : 5060)}`;
    }),
  ],
  ['uri.duri', partOf(duri)],
  ['uri.saor', partOf((uri) => `${uri.scheme}:${userAt(uri)}${uri.host}`)],
  [
    'uri.suri',
    partOf((uri) => {
      const port = uri.portText === '' ? '' : `:${uri.portText}`;
      return `${uri.scheme}:${userAt(uri)}${uri.host}${port}${transportSuffix(uri)}`;
    }),
  ],
  ['param.value', ofParams('name', (pairs, name) => named(pairs, name) ?? '')],
  ['param.in', ofParams('name', (pairs, name) => (named(pairs, name) === undefined ? 0 : 1))],
  ['param.valueat', ofParams('number', (pairs, _, at) => (at === undefined ? '' : (pairs[at] as [string, string])[1]))],
  ['param.name', ofParams('number', (pairs, _, at) => (at === undefined ? '' : (pairs[at] as [string, string])[0]))],
  ['param.count', ofParams('none', (pairs) => pairs.length)],
  ['nameaddr.name', address(nameBefore)],
  ['nameaddr.uri', address((text) => (text.includes('<') ? parts(text).uri : text))],
  ['nameaddr.len', address((text) => (text.includes('>') ? text.indexOf('>') + 1 : text.length))],
  ['nameaddr.param', withText((text, name) => paramValue(parts(text).params, trimmed(name)) ?? '')],
  ['tobody.uri', toBody(({ uri }) => uri)],
  ['tobody.display', toBody(({ display }) => display)],
  ['tobody.tag', toBody(({ params }) => paramValue(params, 'tag') ?? '')],
  ['tobody.user', toBody(({ parsed }) => userOf(parsed))],
  ['tobody.host', toBody(({ parsed }) => parsed?.host ?? '')],
  ['tobody.port', toBody(({ parsed }) => parsed?.port ?? '')],
  ['tobody.params', toBody(({ params }) => params.slice(1))],
  ['line.count', onText((text) => (text === '' ? null : String(lineList(text).length)))],
  ['line.at', withNumber((text, number) => (text === '' ? null : (lineList(text).at(number) ?? '')))],
  [
    'line.sw',
    withText((text, start) => (text === '' ? null : (lineList(text).find((line) => line.startsWith(start)) ?? ''))),
  ],
  [
    're.subst',
    { ...matchingSubstitution, literalDollars: true, make: (args) => unlessEmpty(matchingSubstitution.make(args)) },
  ],
];

/** Transformations that 5.6.3 does not have: unfolding folded lines, with one blank for each fold or with none. */
export const laterTransformations: readonly [string, TransformationDefinition][] = [
  ['s.rmhdws', onText((text) => text.replace(/\r?\n[ \t]+/g, ' '))],
  ['s.rmhlws', onText((text) => text.replace(/\r?\n[ \t]+/g, ''))],
];

/** Transformations of route scripts that kamailio.cfg has with the same name and meaning. */
export const KAMAILIO_SHARED = [
  's.len',
  's.md5',
  's.encode.hexa',
  's.escape.common',
  's.unescape.common',
  's.unescape.user',
  's.unescape.param',
  's.tolower',
  's.toupper',
  's.trim',
] as const;
