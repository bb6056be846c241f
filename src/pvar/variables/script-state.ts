import { avpName } from '../../core/avp-name.js';
import { trimmed } from '../../core/characters.js';
import type { PvarContext, PvarValue } from '../context.js';
import { cellFinder } from '../var-store.js';
import { each, type IndexReader, joined, pick, plain, type TextReader, type VariableDefinition } from './definition.js';

/** $avp of OpenSIPS: writing to an index that does not exist has no effect; ":=" replaces all values. */
export const opensipsAvp: VariableDefinition = {
  argument: 'required',
  indexed: true,
  compile(argument, index) {
    if (index?.kind === 'append') throw new Error('can have the index [n] or [*] only');
    const nameIn = avpNameReader(argument as TextReader);
    const count = (context: PvarContext) => context.avps.count(nameIn(context));
    const at = (context: PvarContext, i: number) => context.avps.get(nameIn(context), i);
    return {
      get: pick(index, count, at),
      all: each(index, count, at),
      replace: (context, value) => replaceAll(context, nameIn(context), value),
      set: (context, value) => {
        const { avps } = context;
        const name = nameIn(context);
        if (index?.kind === 'all') replaceAll(context, name, value);
        else if (index === undefined) {
          if (value === null) avps.delete(name, 0);
          else avps.push(name, value);
        } else {
          const position = indexIn(index, context, avps.count(name));
          if (position === undefined) return;
          if (value === null) avps.delete(name, position);
          else avps.setAt(name, position, value);
        }
      },
    };
  },
};

/**
 * $avp of Kamailio: when it is written, any index but [*] is ignored. A name that is 0 (as that of an unset $var()) or
 * has no value keeps nothing.
 */
export const kamailioAvp: VariableDefinition = {
  argument: 'required',
  indexed: true,
  compile(argument, index) {
    const nameIn = kamailioAvpName(argument as TextReader);
    const count = (context: PvarContext) => context.avps.count(nameIn(context));
    const at = (context: PvarContext, i: number) => context.avps.get(nameIn(context), i);
    const all = each(index, count, at);
    const get =
      index?.kind === 'at'
        ? (context: PvarContext) => {
            const i = index.read(context);
            // As recorded, a negative index finds a value only where it means the newest.
            return i < 0 && count(context) + i !== 0 ? null : at(context, Math.max(0, i));
          }
        : index?.kind === 'all' && all !== undefined
          ? (context: PvarContext) => joined(all(context), ', ')
          : pick(index, count, at);
    return {
      get,
      all,
      set: (context, value) => {
        const name = nameIn(context);
        if (name === '') return;
        if (index?.kind === 'all') replaceAll(context, name, value);
        else if (value === null) context.avps.delete(name, 0);
        else context.avps.push(name, value);
      },
    };
  },
};

function avpNameReader(text: TextReader): (context: PvarContext) => string {
  const constant = text.constant === undefined ? undefined : avpName(text.constant);
  if (constant === '') throw new Error('needs a name');
  return (context) => constant ?? avpName(text.read(context));
}

/** As recorded: "i:" with digits, or a name without dots and colons, which "s:" or ":" may precede. */
const AVP_NAME = /^(?:i:\d+|s?:[^.:]+|[^.:]+)$/i;

/** Reader of an AVP's name; '' when it is not a name: the variable is 0 or has no value. */
function kamailioAvpName(text: TextReader): (context: PvarContext) => string {
  const { constant } = text;
  if (constant !== undefined && !AVP_NAME.test(trimmed(constant)))
    throw new Error(`has no name of that form: ${constant}`);
  if (constant !== undefined && /^[ \t\r\n]*i:0+[ \t\r\n]*$/i.test(constant)) return () => '';
  const nameIn = avpNameReader(text);
  if (constant !== undefined) return nameIn;
  return (context) => {
    const name = nameIn(context);
    return name === '0' || name === '<null>' ? '' : name;
  };
}

function replaceAll({ avps }: PvarContext, name: string, value: PvarValue): void {
  if (value === null) avps.delete(name);
  else avps.set(name, value);
}

function indexIn(index: IndexReader, context: PvarContext, size: number): number | undefined {
  const i = index.kind === 'at' ? index.read(context) : 0;
  const position = i < 0 ? size + i : i;
  return position >= 0 && position < size ? position : undefined;
}

/** $var of Kamailio: never null; 0 until a value is assigned. */
export const kamailioVar: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile(argument) {
    const name = argument as TextReader;
    const { constant } = name;
    if (constant !== undefined) {
      const cellIn = cellFinder(constant);
      return {
        get: (context) => cellIn(context.vars).value ?? 0,
        set: (context, value) => {
          cellIn(context.vars).value = value ?? 0;
        },
      };
    }
    return {
      get: (context) => context.vars.get(name.read(context)) ?? 0,
      set: (context, value) => {
        context.vars.set(name.read(context), value ?? 0);
      },
    };
  },
};

/** $vn of Kamailio: as $var, but null until something is assigned. */
export const kamailioNullVar: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile(argument) {
    const name = argument as TextReader;
    // Kept apart from the names of $var.
    const key = (context: PvarContext) => `vn:${name.constant ?? name.read(context)}`;
    return {
      get: (context) => context.vars.get(key(context)) ?? null,
      set: (context, value) => {
        if (value === null) context.vars.delete(key(context));
        else context.vars.set(key(context), value);
      },
    };
  },
};

/** $shv: shared by all messages; never null; 0 until a value is assigned, and "" after null is assigned. */
export const sharedVariable: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile(argument) {
    const name = argument as TextReader;
    const key = (context: PvarContext) => name.constant ?? name.read(context);
    return {
      get: (context) => context.shared.get(key(context)) ?? 0,
      set: (context, value) => {
        context.shared.set(key(context), value ?? '');
      },
    };
  },
};

/** $return(n) of OpenSIPS: the further values of the last return statement. */
export const returnValue: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile(argument) {
    const text = argument as TextReader;
    return { get: (context) => context.returns?.[Number(text.constant ?? text.read(context))] ?? null };
  },
};

function titles({ routes }: PvarContext): readonly string[] {
  return routes === undefined ? [] : [...routes].reverse();
}

/** $route: the routes being executed, the innermost first: "route[RELAY]", "route". */
export const routeVariable: VariableDefinition = {
  argument: 'none',
  indexed: true,
  compile(_argument, index) {
    const count = (context: PvarContext) => context.routes?.length ?? 0;
    const at = (context: PvarContext, i: number) => titles(context)[i] ?? null;
    return { get: pick(index, count, at) };
  },
};

/** The title of the current route, split into word and name. */
function titleParts({ routes }: PvarContext): readonly [word: string, name: string] {
  const match = /^([^[]*)(?:\[(.*)\])?$/s.exec(routes?.at(-1) ?? '');
  return [match?.[1] ?? '', match?.[2] ?? ''];
}

/** Name of the current route. */
export const routeName = plain((context) => titleParts(context)[1]);
/** Kind of the current route. */
export const routeType = plain((context) => titleParts(context)[0]);

/**
 * A variable that is accepted but has always the same value: colours of a terminal, arguments of the original's command
 * line.
 */
export function empty(value: PvarValue, argument: VariableDefinition['argument'] = 'optional'): VariableDefinition {
  return { argument, indexed: true, compile: () => ({ get: () => value }) };
}
