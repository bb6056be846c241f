import { isUtf8 } from 'node:buffer';
import { isDigit } from '../../core/character-codes.js';
import { escaped, type JsonNode, JsonNumber, type JsonStyle, jsonText } from './document.js';
import { type JsonGrammar, readJson } from './reader.js';

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const LITERALS: readonly (readonly [string, JsonNode])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];
const LEAST = -(2n ** 63n);
const MOST = 2n ** 63n - 1n;

/** RFC 8259, without numbers beyond 64 bits, without NUL, and with each name once in an object. */
const grammar: JsonGrammar = {
  depth: 512,
  lenient: false,
  scalar(text, at) {
    if (text.charCodeAt(at) >= 0x61)
      for (const [word, value] of LITERALS) if (text.startsWith(word, at)) return [value, at + word.length];
    const end = endOfDigits(text, at);
    if (end > at && end - at <= 18) return [new JsonNumber(text.slice(at, end)), end];
    NUMBER.lastIndex = at;
    const found = NUMBER.exec(text)?.[0];
    const value = found === undefined ? undefined : numberOf(found);
    if (value === undefined || found === undefined) return undefined;
    return [value, at + found.length, isReal(found) ? REAL_WEIGHT : 1];
  },
  unpaired: () => undefined,
  add(object, name, value) {
    if (object.has(name)) return false;
    object.set(name, value);
    return true;
  },
};

const compact: JsonStyle = { inside: '', empty: '', comma: ',', colon: ':', quoted };
const spaced: JsonStyle = { ...compact, comma: ', ', colon: ': ' };

const ESCAPED = /["\\\x00-\x1f]/g;

function quoted(text: string): string {
  return `"${text.replace(ESCAPED, (each) => escaped(each, true))}"`;
}

/** As how many values a real number counts: writing its 17 digits takes that much longer than reading a whole number. */
const REAL_WEIGHT = 40;

/** Where the digits of a whole number without a sign end; `at`: none begins here, or it goes on as another number. */
function endOfDigits(text: string, at: number): number {
  let end = at;
  while (isDigit(text.charCodeAt(end))) end++;
  if (end > at + 1 && text.charCodeAt(at) === 0x30) return at;
  const next = text.charCodeAt(end);
  return next === 0x2e || next === 0x45 || next === 0x65 ? at : end;
}

function isReal(text: string): boolean {
  return /[.eE]/.test(text);
}

function numberOf(text: string): JsonNumber | undefined {
  if (isReal(text)) return realNumber(Number(text));
  // Fits, and is written as it stands.
  if (text.length <= 18) return new JsonNumber(text === '-0' ? '0' : text);
  if (text.length > 20) return undefined;
  const value = BigInt(text);
  return value < LEAST || value > MOST ? undefined : new JsonNumber(value.toString());
}

/** Reads a text whose value is an object or an array, as the jansson library does; undefined: it is none. */
export function readJansson(text: string): JsonNode | undefined {
  return readJson(text, grammar);
}

/** A value without white space. */
export function janssonText(value: JsonNode): string {
  return jsonText(value, compact);
}

/** A value with a blank after each comma and colon. */
export function spacedJanssonText(value: JsonNode): string {
  return jsonText(value, spaced);
}

/** A text as a value; undefined: it is not UTF-8. */
export function janssonString(text: string): string | undefined {
  return isUtf8(Buffer.from(text, 'latin1')) ? text : undefined;
}

/** A whole number of 64 bits, limited to the least and the most; undefined: the text is none. "" is 0. */
export function integerNumber(text: string): JsonNumber | undefined {
  const found = /^[ \t\n\v\f\r]*([+-]?)([0-9]*)$/.exec(text);
  if (found === null || (found[2] === '' && text !== '')) return undefined;
  const [, sign, written = ''] = found;
  const digits = written.slice(zerosBefore(written));
  const size = digits.length > 20 ? MOST + 1n : BigInt(digits === '' ? 0 : digits);
  const value = sign === '-' ? -size : size;
  return new JsonNumber((value < LEAST ? LEAST : value > MOST ? MOST : value).toString());
}

function zerosBefore(digits: string): number {
  let count = 0;
  while (digits.charCodeAt(count) === 0x30) count++;
  return count;
}

/** Length above which a text is no number. */
const MAX_DIGITS = 1024;

/** A real number written with decimals or in hexadecimal; undefined: the text is none. "" is 0. */
export function realOf(text: string): JsonNumber | undefined {
  if (text.length > MAX_DIGITS) return undefined;
  const found = /^[ \t\n\v\f\r]*([+-]?)((?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?|0x[0-9a-f]+)?$/i.exec(text);
  if (found === null || (found[2] === undefined && text !== '')) return undefined;
  const size = Number(found[2] ?? '0');
  return realNumber(found[1] === '-' ? -size : size);
}

/** A real number with 17 significant digits, always with a fraction or an exponent; undefined: beyond the range. */
function realNumber(value: number): JsonNumber | undefined {
  if (!Number.isFinite(value)) return undefined;
  const text = shortest(value, 17, -5, 17);
  return new JsonNumber(/[.e]/.test(text) ? text : `${text}.0`);
}

/** A real number as jansson_get() gives it: 15 significant digits. */
export function shownReal(number: JsonNumber): string {
  return shortest(Number(number.text), 15, -5, 15).replace(/e(-?)(\d+)$/, (_, sign: string, digits: string) => {
    return `e${sign === '' ? '+' : '-'}${digits.padStart(2, '0')}`;
  });
}

/** Significant digits without zeros at the end; with an exponent up to `low` and from `high` on. */
function shortest(value: number, digits: number, low: number, high: number): string {
  const [mantissa = '0', exponent = '0'] = value.toExponential(digits - 1).split('e');
  const power = Number(exponent);
  const sign = mantissa.startsWith('-') || Object.is(value, -0) ? '-' : '';
  let figures = mantissa.replace(/[-.]/g, '');
  while (figures.length > 1 && figures.endsWith('0')) figures = figures.slice(0, -1);
  if (power <= low || power >= high) {
    const fraction = figures.length > 1 ? `.${figures.slice(1)}` : '';
    return `${sign}${figures[0]}${fraction}e${power}`;
  }
  if (power < 0) return `${sign}0.${'0'.repeat(-power - 1)}${figures}`;
  const whole = figures.slice(0, power + 1).padEnd(power + 1, '0');
  const fraction = figures.slice(power + 1);
  return `${sign}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}
