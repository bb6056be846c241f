import { switchOf } from '../../core/switch-words.js';
import type { MiCommand, MiParams, MiValue, ParamSpec } from './command.js';
import { MiError } from './command.js';

/** An integer as text. */
export const INTEGER = /^\s*[+-]?[0-9]{1,15}\s*$/;

function invalid(data: string): MiError {
  return new MiError(-32602, 'Invalid params', data);
}

/**
 * Matches the parameters of a JSON call, positional or named, with one of the command's lists, and converts each to its
 * type. Throws MiError -32602 with the recorded `data` texts.
 */
export function matchParameters(command: MiCommand, params: unknown): MiParams {
  if (params === undefined) return typed(command, [], []);
  if (Array.isArray(params)) return typed(command, params as unknown[], undefined);
  const entries = Object.entries(params as Record<string, unknown>);
  const extras = command.extraParams ?? [];
  const own = entries.filter(([name]) => !extras.some((each) => each.name === name));
  const result = typed(
    command,
    own.map(([, value]) => value),
    own.map(([name]) => name),
  ) as Record<string, MiValue | undefined>;
  for (const spec of extras) {
    const value = entries.find(([name]) => name === spec.name);
    if (value !== undefined) result[spec.name] = bringToType(spec, value[1]);
  }
  return result;
}

function typed(command: MiCommand, values: readonly unknown[], names: readonly string[] | undefined): MiParams {
  const ofLength = command.paramLists.filter((list) => list.length === values.length);
  if (ofLength.length === 0) throw invalid('Too few or too many parameters');
  const result: Record<string, MiValue | undefined> = Object.create(null) as Record<string, MiValue | undefined>;
  if (names === undefined) {
    if (ofLength.length > 1) throw invalid('Ambiguous call, use named parameters instead');
    for (const [i, spec] of (ofLength[0] as readonly ParamSpec[]).entries()) {
      result[spec.name] = bringToType(spec, values[i]);
    }
    return result;
  }
  const list = ofLength.find((each) => each.every((spec) => names.includes(spec.name)));
  if (list === undefined) throw invalid('Named parameters do not match');
  for (const spec of list) result[spec.name] = bringToType(spec, values[names.indexOf(spec.name)]);
  return result;
}

/** A number is accepted for a string (without its fraction), and a string of digits for a number (recorded). */
function bringToType(spec: ParamSpec, value: unknown): MiValue {
  switch (spec.type) {
    case 'any':
      return value as MiValue;
    case 'array':
      if (Array.isArray(value)) return value as MiValue;
      break;
    case 'flag':
      if (typeof value === 'boolean') return value ? '1' : '0';
      if (typeof value === 'string') return value;
      if (typeof value === 'number' && Number.isFinite(value)) return String(Math.trunc(value));
      break;
    case 'string':
      if (typeof value === 'string') return value;
      if (typeof value === 'number' && Number.isFinite(value)) return String(Math.trunc(value));
      break;
    case 'int':
      if (typeof value === 'number' && Number.isFinite(value)) return Math.trunc(value);
      if (typeof value === 'string' && INTEGER.test(value)) return Number(value);
      break;
  }
  throw invalid(`Bad type for parameter '${spec.name}'`);
}

/**
 * Whether a flag is given as yes. Without a value it has its default; so has the empty text. A text counts as yes
 * unless it is a word for "no".
 */
export function isYes(value: MiValue | undefined, byDefault = false): boolean {
  if (value === undefined || value === '') return byDefault;
  return switchOf(String(value)) ?? true;
}

/** Whether nothing is to be applied (`dry_run`). The empty text counts as yes too: a slip must not change anything. */
export function isDryRun({ dry_run }: MiParams): boolean {
  return dry_run === '' || isYes(dry_run);
}

/** A parameter line of the line text form: its value, and its name if written as "name::value". */
export interface TextParam {
  readonly name: string | undefined;
  readonly value: string;
}

/**
 * Matches the parameter lines of a line text call. As recorded: they are positional, surplus ones are ignored, and
 * missing ones are an error (-32602). Our own: a line "name::value" with the name of a parameter sets that parameter,
 * at any position.
 */
export function matchTextParameters(command: MiCommand, lines: readonly TextParam[]): MiParams {
  const extras = command.extraParams ?? [];
  const known = new Map<string, ParamSpec>();
  for (const list of command.paramLists) for (const spec of list) known.set(spec.name, spec);
  for (const spec of extras) known.set(spec.name, spec);
  const result: Record<string, MiValue | undefined> = Object.create(null) as Record<string, MiValue | undefined>;
  const positional: string[] = [];
  for (const line of lines) {
    const spec = line.name === undefined ? undefined : known.get(line.name);
    if (spec === undefined) positional.push(line.value);
    else result[spec.name] = bringToType(spec, spec.type === 'array' ? [line.value] : line.value);
  }
  const named = Object.keys(result).filter((name) => !extras.some((each) => each.name === name));
  const wanted = (command.textParams ?? longestFitting(command, named, positional.length + named.length)).filter(
    (spec) => !(spec.name in result),
  );
  let next = 0;
  for (const spec of wanted) {
    if (next >= positional.length) throw invalid('Too few or too many parameters');
    const value = spec.type === 'array' ? positional.slice(next) : (positional[next] as string);
    next = spec.type === 'array' ? positional.length : next + 1;
    result[spec.name] = bringToType(spec, value);
  }
  return result;
}

/** The longest list that `count` parameters fill and that has all names in `named`, else the shortest one. */
function longestFitting(command: MiCommand, named: readonly string[], count: number): readonly ParamSpec[] {
  const lists = command.paramLists.filter((list) => named.every((name) => list.some((spec) => spec.name === name)));
  const byLength = [...lists].sort((a, b) => b.length - a.length);
  return byLength.find((list) => list.length <= count) ?? byLength.at(-1) ?? [];
}
