import type { MessageRun } from '../../script/call.js';
import {
  type Arg,
  type Args,
  code,
  type FunctionSpec,
  KAMAILIO,
  moduleFunctions,
  param,
  type ScriptFunction,
  textOf,
} from '../define.js';
import { type JsonNode, JsonNumber } from './document.js';
import { atPath, setPath } from './jansson-path.js';
import {
  integerNumber,
  janssonString,
  janssonText,
  readJansson,
  realOf,
  shownReal,
  spacedJanssonText,
} from './jansson-text.js';

type Result = string | number | null;

/** A value as variables hold it: numbers of 32 bits as numbers, containers as texts. */
function held(value: JsonNode): Result {
  if (typeof value === 'boolean') return Number(value);
  if (value === null || typeof value === 'string') return value;
  if (!(value instanceof JsonNumber)) return janssonText(value);
  if (!value.isInteger) return shownReal(value);
  const number = Number(value.text);
  return number === (number | 0) ? number : value.text;
}

function get(run: MessageRun, path: Arg | undefined, source: Arg | undefined, result: Arg | undefined): number {
  const document = readJansson(textOf(source, run));
  const value = document === undefined ? undefined : atPath(document, textOf(path, run));
  if (value === undefined) return -1;
  result?.variable?.assign(run.pvars, held(value));
  return 1;
}

/** The value that a text stands for by the name of its type; undefined: there is no such type, or the text is no value of it. */
function typed(type: string, text: string): JsonNode | undefined {
  switch (type) {
    case 'string':
    case 'str':
      return janssonString(text);
    case 'integer':
    case 'int':
      return integerNumber(text);
    case 'real':
      return realOf(text);
    case 'true':
      return true;
    case 'false':
      return false;
    case 'null':
      return null;
    case 'object':
    case 'obj': {
      const value = readJansson(text);
      return value instanceof Map ? value : undefined;
    }
    case 'array': {
      const value = readJansson(text);
      return Array.isArray(value) ? value : undefined;
    }
    default:
      return undefined;
  }
}

function change(run: MessageRun, [type, path, text, result]: Args, append: boolean): number {
  const value = typed(textOf(type, run), textOf(text, run));
  if (value === undefined || result === undefined) return -1;
  const before = result.value(run);
  const document = typeof before === 'string' ? readJansson(before) : new Map<string, JsonNode>();
  const name = janssonString(textOf(path, run));
  if (document === undefined || name === undefined || !setPath(document, name, value, append)) return -1;
  result.variable?.assign(run.pvars, janssonText(document));
  return 1;
}

function decode(run: MessageRun, text: string, name: string): number {
  const document = readJansson(text);
  if (document === undefined) return -1;
  const store = run.pvars.xavps;
  for (const each of Array.isArray(document) ? document : [document]) {
    const record = store.push(name);
    if (!(each instanceof Map)) continue;
    for (const [field, value] of each) {
      if (field === '') continue;
      const as = held(value);
      if (as === null) store.addNull(record, field);
      else store.add(record, field, as);
    }
  }
  return 1;
}

function encode(run: MessageRun, name: string, result: Arg | undefined): number {
  const store = run.pvars.xavps;
  const record = store.record(name, 0);
  if (name === '' || record === undefined || record.value !== null) return -1;
  const object = new Map<string, JsonNode>();
  for (const [field, value] of store.pairsWithNull(record)) {
    const as = typeof value === 'number' ? new JsonNumber(String(value)) : value === null ? null : janssonString(value);
    if (as === undefined || janssonString(field) === undefined) return -1;
    object.set(field, as);
  }
  result?.variable?.assign(run.pvars, spacedJanssonText(object));
  return 1;
}

function janssonFunction(
  name: string,
  texts: string,
  result: boolean,
  summary: string,
  body: (run: MessageRun, args: Args) => number,
): FunctionSpec {
  const parameters = texts.split(' ').map((each) => param(each, 'string'));
  if (result) parameters.push(param('result', 'writable'));
  return { name, dialects: KAMAILIO, parameters, summary, compile: (args) => (run) => body(run, args) };
}

/** Functions of jansson. */
export const janssonFunctions: ScriptFunction[] = moduleFunctions('jansson', [
  janssonFunction('jansson_get', 'path json', true, 'reads a value of a JSON document', (run, [path, json, result]) =>
    get(run, path, json, result),
  ),
  janssonFunction(
    'jansson_get_field',
    'json path',
    true,
    'reads a value of a JSON document',
    (run, [json, path, result]) => get(run, path, json, result),
  ),
  janssonFunction(
    'jansson_set',
    'type path value',
    true,
    'sets a value in the JSON document of a variable',
    (run, args) => change(run, args, false),
  ),
  janssonFunction(
    'jansson_append',
    'type path value',
    true,
    'adds a value to an array or object in the JSON document of a variable',
    (run, args) => change(run, args, true),
  ),
  janssonFunction(
    'jansson_array_size',
    'path json',
    true,
    'counts the elements of an array in a JSON document',
    (run, [path, json, result]) => {
      const document = readJansson(textOf(json, run));
      const array = document === undefined ? undefined : atPath(document, textOf(path, run));
      if (!Array.isArray(array)) return -1;
      result?.variable?.assign(run.pvars, array.length);
      return code(true);
    },
  ),
  janssonFunction(
    'jansson_xdecode',
    'json record',
    false,
    'makes a record ($xavp) of a JSON object, or one of each object of an array',
    (run, [json, record]) => decode(run, textOf(json, run), textOf(record, run)),
  ),
  janssonFunction(
    'jansson_xencode',
    'record',
    true,
    'writes a record ($xavp) as a JSON object',
    (run, [record, result]) => encode(run, textOf(record, run), result),
  ),
]);
