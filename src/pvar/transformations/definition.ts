import { createHash } from 'node:crypto';
import { trimmed } from '../../core/characters.js';
import { splitAt } from '../../core/find-text.js';
import { parseUri, type SipUri } from '../../core/uri.js';
import type { PvarContext, PvarValue } from '../context.js';
import type { TextReader } from '../variables/definition.js';

/** A compiled transformation. It is not called for null, which stays null. Never throws. */
export type Transform = (value: string | number, context: PvarContext) => PvarValue;

/** A transformation: its arguments, and a function that compiles it. */
export interface TransformationDefinition {
  /** Whether a "$" that begins no variable is literal in its arguments, as at the end of a regular expression. */
  readonly literalDollars?: boolean;
  /** Whether a text, and the next transformation, get what it was applied to: its result is used as a value only. */
  readonly showsInput?: boolean;
  /** Result for null. Default: null. */
  readonly ofNull?: PvarValue;
  /** Minimum and maximum number of arguments; the last one takes the rest of the text, commas included. */
  readonly least: number;
  readonly max: number;
  /** Compiles it. Throws a plain Error with the reason when a constant argument does not fit. */
  make(args: readonly TextReader[]): Transform;
}

/** A transformation of text without arguments. */
export function onText(run: (text: string) => PvarValue): TransformationDefinition {
  const transform: Transform = (value) => run(String(value));
  return { least: 0, max: 0, make: () => transform };
}

/**
 * A reader of an integer argument. A constant that is not an integer is refused at load; a computed one counts as
 * `otherwise`.
 */
export function integerArgument(
  arg: TextReader | undefined,
  otherwise: number,
  what: string,
): (context: PvarContext) => number {
  if (arg === undefined) return () => otherwise;
  if (arg.constant === undefined) {
    arg.asInteger?.();
    return (context) => {
      const text = trimmed(arg.read(context));
      return INTEGER.test(text) ? Number(text) : otherwise;
    };
  }
  const text = trimmed(arg.constant);
  if (!INTEGER.test(text)) throw new Error(`needs an integer as ${what}`);
  const constant = Number(text);
  return () => constant;
}

const INTEGER = /^[+-]?[0-9]{1,9}$/;

/**
 * The position an index stands for in a list of `size`: negative ones count from the end; undefined when out of range.
 */
export function position(index: number, size: number): number | undefined {
  const at = index < 0 ? size + index : index;
  return at >= 0 && at < size ? at : undefined;
}

/** {s.substr,offset,length}: an offset below 0 counts from the end of the text. */
export function substring(cut: (text: string, start: number, count: number) => PvarValue): TransformationDefinition {
  return {
    least: 2,
    max: 2,
    make(args) {
      const offset = integerArgument(args[0], 0, 'offset');
      const length = integerArgument(args[1], 0, 'length');
      return (value, context) => {
        const text = String(value);
        const from = offset(context);
        return cut(text, from < 0 ? text.length + from : from, length(context));
      };
    },
  };
}

/** {s.select,index,separator}: one part of the text. `separatorOf` gives the separator to use; undefined for none. */
export function selection(
  separatorOf: (given: string) => string | undefined,
  missing: { readonly separator: PvarValue; readonly part: PvarValue },
): TransformationDefinition {
  return {
    least: 2,
    max: 2,
    make(args) {
      const index = integerArgument(args[0], 0, 'index');
      const separator = args[1] as TextReader;
      if (separator.constant === '') throw new Error('needs a separator');
      return (value, context) => {
        const mark = separatorOf(separator.constant ?? separator.read(context));
        if (mark === undefined) return missing.separator;
        const parts = splitAt(String(value), mark);
        const at = position(index(context), parts.length);
        return at === undefined ? missing.part : (parts[at] as string);
      };
    },
  };
}

/** {s.index,needle,start}: the position of a text; a start below 0 counts from the end. */
export function searching(
  find: (text: string, needle: string, start: number | undefined) => PvarValue,
): TransformationDefinition {
  return {
    least: 1,
    max: 2,
    make(args) {
      const needle = args[0] as TextReader;
      const start = integerArgument(args[1], 0, 'start');
      return (value, context) => {
        const text = String(value);
        const wanted = needle.constant ?? needle.read(context);
        if (args[1] === undefined) return find(text, wanted, undefined);
        const from = start(context);
        return find(text, wanted, Math.max(0, from < 0 ? text.length + from : from));
      };
    },
  };
}

/** A transformation with one index into a list: negative ones count from the end; null when out of range. */
export function elementAt<T>(
  list: (text: string) => readonly T[],
  of: (item: T) => PvarValue,
): TransformationDefinition {
  return {
    least: 1,
    max: 1,
    make(args) {
      const index = integerArgument(args[0], 0, 'index');
      return (value, context) => {
        const items = list(String(value));
        const at = position(index(context), items.length);
        return at === undefined ? null : of(items[at] as T);
      };
    },
  };
}

/** The digest of the text, in hexadecimal digits. */
export function digest(algorithm: string): TransformationDefinition {
  return onText((text) => createHash(algorithm).update(text, 'latin1').digest('hex'));
}

/** A part of the text parsed as a URI; `otherwise` when it is not a URI. */
export function uriPart(of: (uri: SipUri) => PvarValue, otherwise: PvarValue): TransformationDefinition {
  return onText((text) => {
    const uri = parseUri(text);
    return uri === undefined ? otherwise : of(uri);
  });
}

/** The transformations of class "uri" that read one parameter; `reading` makes one for the parameter's name. */
export function uriParameters(
  reading: (name: string) => TransformationDefinition,
): readonly [string, TransformationDefinition][] {
  return [
    ['uri.transport', reading('transport')],
    ['uri.ttl', reading('ttl')],
    ['uri.uparam', reading('user')],
    ['uri.maddr', reading('maddr')],
    ['uri.method', reading('method')],
    ['uri.lr', reading('lr')],
    ['uri.r2', reading('r2')],
  ];
}
