import type { MessageRun } from '../../script/call.js';
import {
  type Args,
  type FunctionSpec,
  KAMAILIO,
  moduleFunctions,
  param,
  type ScriptFunction,
  textOf,
} from '../define.js';
import { escaped, type JsonNode, JsonNumber, type JsonStyle, jsonText } from './document.js';
import { type JsonGrammar, readJson } from './reader.js';

const NUMBER = /(-?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)(?:[eE][+-]?)?/y;
const WORD = /true|false|null|nan|-?infinity/iy;
const WORDS: ReadonlyMap<string, JsonNode> = new Map<string, JsonNode>([
  ['true', true],
  ['false', false],
  ['null', null],
  ['nan', new JsonNumber('NaN')],
  ['infinity', new JsonNumber('Infinity')],
  ['-infinity', new JsonNumber('-Infinity')],
]);
const LEAST = -(2n ** 63n);
const MOST = 2n ** 64n - 1n;

/** What the json-c library accepts, as recorded with Kamailio 5.6.3. */
const grammar: JsonGrammar = {
  depth: 32,
  lenient: true,
  scalar(text, at) {
    WORD.lastIndex = at;
    const word = WORD.exec(text)?.[0];
    if (word !== undefined) return [WORDS.get(word.toLowerCase()) ?? null, at + word.length];
    NUMBER.lastIndex = at;
    const found = NUMBER.exec(text);
    return found === null ? undefined : [numberOf(found[1] ?? ''), at + found[0].length];
  },
  unpaired: (code) => (code === 0 ? 0 : 0xfffd),
  add(object, name, value) {
    object.set(name, value);
    return true;
  },
};

/** Whole numbers are limited to 64 bits; the text of others is kept. */
function numberOf(text: string): JsonNumber {
  if (/[.eE]/.test(text)) return new JsonNumber(text);
  const digits = text.replace(/^-?0*/, '');
  const size = digits.length > 20 ? MOST : BigInt(digits === '' ? 0 : digits);
  const value = text.startsWith('-') ? -size : size;
  return new JsonNumber((value < LEAST ? LEAST : value > MOST ? MOST : value).toString());
}

const ESCAPED = /["\\/\x00-\x1f]/g;

const style: JsonStyle = {
  inside: ' ',
  empty: ' ',
  comma: ', ',
  colon: ': ',
  quoted: (text) => `"${text.replace(ESCAPED, (each) => escaped(each, false))}"`,
};

/** Reads a member of the object; `quoted`: a string keeps its quotes and escapes. */
function field(run: MessageRun, [json, name, result]: Args, quoted: boolean): number {
  const document = readJson(textOf(json, run), grammar);
  const value = document instanceof Map ? document.get(textOf(name, run)) : undefined;
  if (value === undefined || value === null) return -1;
  const text = typeof value === 'string' && !quoted ? value : jsonText(value, style);
  result?.variable?.assign(run.pvars, text);
  return 1;
}

function reading(name: string, summary: string, quoted: boolean): FunctionSpec {
  return {
    name,
    dialects: KAMAILIO,
    parameters: [param('json', 'string'), param('field', 'string'), param('result', 'writable')],
    summary,
    compile: (args) => (run) => field(run, args, quoted),
  };
}

/** Functions of Kamailio's json. */
export const kamailioJsonFunctions: ScriptFunction[] = moduleFunctions('json', [
  reading('json_get_field', 'reads a member of a JSON object as JSON, strings in quotes', true),
  reading('json_get_string', 'reads a member of a JSON object, strings without quotes', false),
]);
