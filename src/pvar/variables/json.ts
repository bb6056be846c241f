import { trimmed } from '../../core/characters.js';
import type { PvarContext, PvarValue } from '../context.js';
import type { JsonValue } from '../json-value.js';
import type { CompiledVariable, IndexReader, TextReader, VariableDefinition } from './definition.js';

type Step =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'index'; readonly at: number | undefined };

interface Path {
  readonly root: string;
  readonly steps: readonly Step[];
  /** ".keys" or ".values" at the end. */
  readonly list: 'keys' | 'values' | undefined;
}

/** Maximum length of a document, and maximum number of elements of a list. */
const MAX_TEXT = 65_536;
const MAX_ELEMENTS = 10_000;
/** Maximum nesting of a document. */
const MAX_DEPTH = 1000;
/** Maximum length of a document as text: a document made by json_link() can be far longer as text than in memory. */
const MAX_WRITTEN = 4 * 1024 * 1024;

/** "name/key/list[0]", "name/list[]", "name.keys". */
function pathOf(text: string): Path | undefined {
  let rest = trimmed(text);
  let list: Path['list'];
  const ending = /\.(keys|values)$/.exec(rest);
  if (ending !== null) {
    list = ending[1] as 'keys' | 'values';
    rest = rest.slice(0, ending.index);
  }
  const root = /^[^/[\]]+/.exec(rest)?.[0];
  if (root === undefined) return undefined;
  const steps: Step[] = [];
  const pattern = /\/([^/[\]]+)|\[(-?[0-9]{1,6})?\]/gy;
  pattern.lastIndex = root.length;
  while (pattern.lastIndex < rest.length) {
    const match = pattern.exec(rest);
    if (match === null) return undefined;
    if (match[1] !== undefined) steps.push({ kind: 'key', key: match[1] });
    else steps.push({ kind: 'index', at: match[2] === undefined ? undefined : Number(match[2]) });
  }
  return { root, steps, list };
}

function fromPlain(value: unknown, depth = 0): JsonValue {
  if (depth > MAX_DEPTH) throw new Error('nested too deep');
  if (Array.isArray(value)) return value.map((each) => fromPlain(each, depth + 1));
  if (typeof value === 'object' && value !== null) {
    return new Map(Object.entries(value).map(([key, each]) => [key, fromPlain(each, depth + 1)]));
  }
  return value as JsonValue;
}

function parsed(text: string): JsonValue | undefined {
  if (text.length > MAX_TEXT) return undefined;
  try {
    return fromPlain(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/**
 * JSON text, with the blanks that the original prints or without any; null when it is too long or nested too deeply.
 */
function jsonText(value: JsonValue, spaced: boolean): string | null {
  const room = { left: MAX_WRITTEN };
  const text = written(value, spaced, room, 0);
  return room.left < 0 ? null : text;
}

/** The text of a value. `room.left` is reduced by about its length; writing stops once it is below 0. */
function written(value: JsonValue, spaced: boolean, room: { left: number }, depth: number): string {
  if (depth > MAX_DEPTH) room.left = -1;
  if (room.left < 0) return '';
  if (Array.isArray(value)) {
    room.left -= 2;
    if (value.length === 0) return spaced ? '[ ]' : '[]';
    const parts = value.map((each) => written(each, spaced, room, depth + 1));
    return spaced ? `[ ${parts.join(', ')} ]` : `[${parts.join(',')}]`;
  }
  if (value instanceof Map) {
    room.left -= 2;
    if (value.size === 0) return spaced ? '{ }' : '{}';
    const parts = Array.from(value, ([key, each]) => {
      room.left -= key.length + 6;
      return `${JSON.stringify(key)}:${spaced ? ' ' : ''}${written(each, spaced, room, depth + 1)}`;
    });
    return spaced ? `{ ${parts.join(', ')} }` : `{${parts.join(',')}}`;
  }
  const text = JSON.stringify(value);
  room.left -= text.length;
  return text;
}

function toPvar(value: JsonValue | undefined, spaced: boolean): PvarValue {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'number') return Number.isInteger(value) ? value | 0 : String(value);
  return jsonText(value, spaced);
}

function step(value: JsonValue | undefined, each: Step): JsonValue | undefined {
  if (each.kind === 'key') return value instanceof Map ? value.get(each.key) : undefined;
  if (!Array.isArray(value) || each.at === undefined) return undefined;
  return value[each.at < 0 ? value.length + each.at : each.at];
}

function find({ jsons }: PvarContext, { root, steps }: Path): JsonValue | undefined {
  let value = jsons.get(root);
  for (const each of steps) value = step(value, each);
  return value;
}

function write({ jsons }: PvarContext, { root, steps }: Path, value: JsonValue | undefined): void {
  const last = steps.at(-1);
  if (last === undefined) {
    if (value === undefined) jsons.delete(root);
    else jsons.set(root, value);
    return;
  }
  let parent = jsons.get(root);
  for (const each of steps.slice(0, -1)) parent = step(parent, each);
  if (last.kind === 'key') {
    if (!(parent instanceof Map)) return;
    if (value === undefined) parent.delete(last.key);
    else parent.set(last.key, value);
    return;
  }
  if (!Array.isArray(parent)) return;
  const at = last.at === undefined ? parent.length : last.at < 0 ? parent.length + last.at : last.at;
  if (value === undefined) parent.splice(at, 1);
  else if (at >= 0 && at <= Math.min(parent.length, MAX_ELEMENTS)) parent[at] = value;
}

/** Maximum number of values in a document that is linked into another one, each link counted. */
const MAX_LINKED = 10_000;

/** Number of values in a document, counted up to `max`; Infinity where the document contains `holder`. */
function sizeOf(value: JsonValue | undefined, holder: JsonValue | undefined, max: number): number {
  if (value === holder && holder !== undefined) return Number.POSITIVE_INFINITY;
  const parts = value instanceof Map ? value.values() : Array.isArray(value) ? value : [];
  let size = 1;
  for (const each of parts) {
    if (size > max) break;
    size += sizeOf(each, holder, max - size);
  }
  return size;
}

/**
 * json_link(): makes a key or element of a document refer to another document, not to a copy of it: later changes of
 * either are visible in both. False when a text names no document, or the result would contain itself or be too large.
 */
export function linkJson(context: PvarContext, target: string, source: string): boolean {
  const [to, from] = [pathOf(target), pathOf(source)];
  if (to === undefined || from === undefined || to.list !== undefined || from.list !== undefined) return false;
  const value = find(context, from);
  if (value === undefined) return false;
  let holder: JsonValue | undefined;
  for (let i = 0; i < to.steps.length; i++) {
    holder = find(context, { ...to, steps: to.steps.slice(0, i) });
    if (sizeOf(value, holder, MAX_LINKED) > MAX_LINKED) return false;
  }
  write(context, to, value);
  return holder === undefined ? to.steps.length === 0 : find(context, to) === value;
}

/** json_merge(): the first text with the changes of the second (RFC 7396: null removes); null if one is not JSON. */
export function mergedJson(main: string, patch: string): string | null {
  const [document, changes] = [parsed(main), parsed(patch)];
  return document === undefined || changes === undefined ? null : jsonText(merged(document, changes), false);
}

function merged(document: JsonValue | undefined, changes: JsonValue): JsonValue {
  if (!(changes instanceof Map)) return changes;
  const result = new Map(document instanceof Map ? document : []);
  for (const [key, value] of changes) {
    if (value === null) result.delete(key);
    else result.set(key, merged(result.get(key), value));
  }
  return result;
}

function elements(value: JsonValue | undefined, list: Path['list']): readonly PvarValue[] {
  if (list !== undefined) {
    if (!(value instanceof Map)) return [];
    return list === 'keys' ? [...value.keys()] : Array.from(value.values(), (each) => toPvar(each, true));
  }
  return Array.isArray(value) ? value.map((each) => toPvar(each, true)) : [];
}

function compiledJson(text: TextReader, index: IndexReader | undefined, spaced: boolean): CompiledVariable {
  if (index !== undefined && index.kind !== 'all') throw new Error('takes its index in the path: $json(name[0])');
  const constant = text.constant === undefined ? undefined : pathOf(text.constant);
  if (text.constant !== undefined && constant === undefined) throw new Error('needs a path: name/key/list[0]');
  const path = (context: PvarContext) => constant ?? pathOf(text.read(context));
  const list = (context: PvarContext): readonly PvarValue[] => {
    const at = path(context);
    return at === undefined ? [] : elements(find(context, at), at.list);
  };
  return {
    all: index === undefined ? undefined : list,
    get: (context) => {
      const at = path(context);
      if (at === undefined) return null;
      if (at.list === undefined) return toPvar(find(context, at), spaced);
      return list(context)[0] ?? null;
    },
    set: (context, value) => {
      const at = path(context);
      if (at !== undefined) write(context, at, value ?? undefined);
    },
    replace: (context, value) => {
      const at = path(context);
      if (at === undefined) return;
      const json = typeof value === 'string' ? parsed(value) : (value ?? undefined);
      if (json !== undefined || value === null) write(context, at, json);
    },
  };
}

function definition(spaced: boolean): VariableDefinition {
  return {
    argument: 'required',
    indexed: true,
    compile: (argument, index) => compiledJson(argument as TextReader, index, spaced),
  };
}

/** $json of OpenSIPS: JSON documents by name; ":=" parses the text, "=" stores it as a string. */
export const jsonVariables: readonly [string, VariableDefinition][] = [
  ['json', definition(true)],
  ['json_pretty', definition(true)],
  ['json_compact', definition(false)],
  ['json_compact_noescape', definition(false)],
];
