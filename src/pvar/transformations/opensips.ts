import { createHmac } from 'node:crypto';
import { findLastText, findText } from '../../core/find-text.js';
import { parseAddress } from '../../core/name-addr.js';
import { parseUri, percentDecoded, percentEncoder, uriParam } from '../../core/uri.js';
import type { PvarContext, PvarValue } from '../context.js';
import { paramPairs, paramValue, splitList, unquote } from '../header-values.js';
import type { TextReader } from '../variables/definition.js';
import { ipTransformations } from './addresses.js';
import {
  digest,
  integerArgument,
  onText,
  position,
  searching,
  selection,
  substring,
  type TransformationDefinition,
  uriParameters,
} from './definition.js';
import { viaPart, withName } from './lists.js';
import { regexSubstitution } from './regex.js';
import { integerIn } from './strings.js';

/**
 * {s.int}: the integer at the beginning of a text, 0 when there is none. As recorded, texts show what it was applied
 * to; the integer counts in calculations, comparisons and assignments.
 */
const toInteger: TransformationDefinition = {
  ...onText((text) => integerIn(text) | 0),
  showsInput: true,
};

/**
 * A length of 0 means up to the end; a negative one leaves characters out at the end. A start beyond the end gives
 * null.
 */
const cutOut = substring((text, start, count) => {
  if (start < 0 || start >= text.length) return null;
  return count > 0 ? text.slice(start, start + count) : text.slice(start, count === 0 ? undefined : count);
});

const select = selection((given) => given[0], { separator: null, part: null });

/** An empty search text gives null. */
function find(search: (text: string, needle: string, start: number | undefined) => number): TransformationDefinition {
  return searching((text, needle, start) => (needle === '' ? null : search(text, needle, start)));
}

/** The padding repeats from the value leftwards. */
const fillLeft: TransformationDefinition = {
  least: 2,
  max: 2,
  make(args) {
    const token = args[0] as TextReader;
    const length = integerArgument(args[1], 0, 'length');
    return (value, context) => {
      const text = String(value);
      const mark = token.constant ?? token.read(context);
      const missing = Math.min(8192, length(context)) - text.length;
      if (missing <= 0 || mark === '') return text;
      return mark.repeat(Math.ceil(missing / mark.length)).slice(-missing) + text;
    };
  },
};

const unescapePercent = onText((text) => {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return null;
  return percentDecoded(text);
});

const hexToDecimal = onText((text) => (/^(?:0x)?[0-9A-Fa-f]{1,8}$/i.test(text) ? Number.parseInt(text, 16) | 0 : null));

/** Null for text that is not a number, as {s.hex2dec} was recorded to give. */
const decimalToHex = onText((text) => (/^[+-]?[0-9]{1,15}$/.test(text) ? (Number(text) >>> 0).toString(16) : null));

/** "Thu, 01 Jan 2015 10:20:30 GMT" (RFC 3261 section 20.17) as seconds since 1970. */
const dateToUnix = onText((text) => {
  if (!/^[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT$/.test(text)) return null;
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : Math.floor(time / 1000) | 0;
});

/** Pairs of hexadecimal digits as bytes; null when there are other characters. An odd digit at the end is ignored. */
const decodeHexa = onText((text) => {
  const pairs = text.slice(0, text.length & ~1);
  return /^[0-9A-Fa-f]*$/.test(pairs) ? Buffer.from(pairs, 'hex').toString('latin1') : null;
});

const SHA = ['sha1', 'sha224', 'sha256', 'sha384', 'sha512'] as const;

/** {s.sha256_hmac,key}: the key may contain variables. */
function keyed(algorithm: string): TransformationDefinition {
  return {
    least: 1,
    max: 1,
    make(args) {
      const key = args[0] as TextReader;
      return (value, context) =>
        createHmac(algorithm, Buffer.from(key.constant ?? key.read(context), 'latin1'))
          .update(String(value), 'latin1')
          .digest('hex');
    },
  };
}

/** Where the element of a comma-separated list that begins at an index ends; commas within quotes end none. */
function csvEnd(text: string, from: number): number {
  let quoted = false;
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) quoted = !quoted;
    else if (code === COMMA && !quoted) return i;
  }
  return text.length;
}

/** The number of elements. They are not collected: lists of 60,000 would cost more to keep than to read twice. */
function csvCount(text: string): number {
  if (text === '') return 0;
  let count = 1;
  for (let end = csvEnd(text, 0); end < text.length; end = csvEnd(text, end + 1)) count++;
  return count;
}

const QUOTE = 34;
const COMMA = 44;

/** An element of a comma-separated list; blanks are kept, quotes removed. */
const csvElement: TransformationDefinition = {
  least: 1,
  max: 1,
  make(args) {
    const index = integerArgument(args[0], 0, 'index');
    return (value, context) => {
      const text = String(value);
      const at = position(index(context), csvCount(text));
      if (at === undefined) return null;
      let from = 0;
      for (let before = 0; before < at; before++) from = csvEnd(text, from) + 1;
      return unquote(text.slice(from, csvEnd(text, from)));
    };
  },
};

const countOrNull = (count: number): PvarValue => (count === 0 ? null : count);

/** {nameaddr.N.uri}: the N-th element of a list; without a number the first. */
function addressPart(of: (text: string) => PvarValue, index: number): TransformationDefinition {
  return onText((text) => {
    const one = splitList(text, ',')[index];
    return one === undefined ? null : of(one);
  });
}

const orNull = (text: string): string | null => (text === '' ? null : text);

const ADDRESS_PARTS: readonly [string, (text: string) => PvarValue][] = [
  ['name', (text) => orNull(parseAddress(text).display)],
  ['uri', (text) => orNull(parseAddress(text).uri)],
  ['params', (text) => orNull(parseAddress(text).params.slice(1))],
  [
    'len',
    (text) => {
      const close = text.indexOf('>');
      return close < 0 ? parseAddress(text).uri.length : close + 1;
    },
  ],
];

function addressParameter(index: number): TransformationDefinition {
  return withName((text, name) => {
    const one = splitList(text, ',')[index];
    return one === undefined ? null : (paramValue(parseAddress(one).params, name) ?? null);
  });
}

/** Maximum N in {nameaddr.N.uri}. */
const MAX_ADDRESSES = 20;

const ADDRESS_READERS: readonly [string, (index: number) => TransformationDefinition][] = [
  ...ADDRESS_PARTS.map(([name, of]): [string, (index: number) => TransformationDefinition] => [
    name,
    (index) => addressPart(of, index),
  ]),
  ['param', addressParameter],
];

const addressTransformations: [string, TransformationDefinition][] = ADDRESS_READERS.flatMap(
  ([name, reader]): [string, TransformationDefinition][] => [
    [`nameaddr.${name}`, reader(0)],
    ...Array.from({ length: MAX_ADDRESSES }, (_, i): [string, TransformationDefinition] => [
      `nameaddr.${i}.${name}`,
      reader(i),
    ]),
  ],
);

const port = onText((text) => parseUri(text)?.port ?? null);
const host = onText((text) => orNull(parseUri(text)?.host ?? ''));

/** A parameter of a URI; one without a value is null here and "" in {uri.param}. */
const uriParameter = (name: string) => onText((text) => orNull(uriParam(parseUri(text)?.params ?? '', name) ?? ''));

/** Maximum length of a text that is kept with what was compiled of it. */
const MAX_KEPT = 1024;

/**
 * {s.eval}: evaluates the text of a variable as a format. `compile` uses the name table that the transformation belongs
 * to.
 */
export function evaluation(
  compile: (text: string) => { evaluate(context: PvarContext): string } | undefined,
): TransformationDefinition {
  const kept = new Map<string, { evaluate(context: PvarContext): string } | undefined>();
  return {
    least: 0,
    max: 0,
    make: () => (value, context) => {
      const text = String(value);
      if (text.length > MAX_KEPT) return compile(text)?.evaluate(context) ?? null;
      if (!kept.has(text)) {
        if (kept.size >= 256) kept.clear();
        kept.set(text, compile(text));
      }
      return kept.get(text)?.evaluate(context) ?? null;
    },
  };
}

/** A text as a part of a URL. */
const escapedForUrl = percentEncoder(/[^0-9A-Za-z._~-]/, true);

/** Transformations of opensips.cfg that route scripts lack or have in another form. */
export const opensipsTransformations: readonly [string, TransformationDefinition][] = [
  ['s.int', toInteger],
  ['s.substr', cutOut],
  ['s.select', select],
  ['s.index', find((text, needle, start) => findText(text, needle, start ?? 0))],
  ['s.rindex', find((text, needle, start) => findLastText(text, needle, start ?? text.length))],
  ['s.fill.left', fillLeft],
  ['s.unescape.user', unescapePercent],
  ['s.unescape.param', unescapePercent],
  ['s.hex2dec', hexToDecimal],
  ['s.dec2hex', decimalToHex],
  ['s.date2unix', dateToUnix],
  ['s.decode.hexa', decodeHexa],
  ...SHA.flatMap((each): [string, TransformationDefinition][] => [
    [`s.${each}`, digest(each)],
    [`s.${each}_hmac`, keyed(each)],
  ]),
  ['via.comment', viaPart((via) => via.comment)],
  ['rest.escape', onText(escapedForUrl)],
  ['rest.unescape', onText(percentDecoded)],
  ['uri.port', port],
  ['uri.domain', host],
  ...uriParameters(uriParameter),
  ['csv.count', onText((text) => countOrNull(csvCount(text)))],
  ['csv.value', csvElement],
  ['param.count', onText((text) => countOrNull(paramPairs(text).length))],
  ['re.subst', { ...regexSubstitution, literalDollars: true }],
  ...addressTransformations,
  ...ipTransformations,
];
