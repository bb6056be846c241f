import type { PvarContext, PvarValue } from '../context.js';
import type { TextReader } from '../variables/definition.js';

/** A transformation ready to run. Null goes in and out untouched before it is called; it never throws. */
export type Transform = (value: string | number, context: PvarContext) => PvarValue;

export interface TransformationDefinition {
  /** A "$" that begins no variable stands for itself in its arguments, as at the end of a regular expression. */
  readonly loneDollars?: boolean;
  /** Least and most number of arguments; the last one takes the rest of the text, commas included. */
  readonly least: number;
  readonly most: number;
  /** Result for null; by default null. */
  readonly ofNull?: string;
  /** Throws a plain Error with the reason when a constant argument does not fit. */
  make(args: readonly TextReader[]): Transform;
}

/** A transformation of the text without arguments. */
export function onText(run: (text: string) => PvarValue): TransformationDefinition {
  const transform: Transform = (value) => run(String(value));
  return { least: 0, most: 0, make: () => transform };
}

/** A reader of an integer argument; a constant that is none is refused at load, a computed one counts as `otherwise`. */
export function integerArgument(
  arg: TextReader | undefined,
  otherwise: number,
  what: string,
): (context: PvarContext) => number {
  if (arg === undefined) return () => otherwise;
  if (arg.constant === undefined) {
    return (context) => {
      const text = arg.read(context).trim();
      return INTEGER.test(text) ? Number(text) : otherwise;
    };
  }
  const text = arg.constant.trim();
  if (!INTEGER.test(text)) throw new Error(`needs an integer as ${what}`);
  const constant = Number(text);
  return () => constant;
}

const INTEGER = /^[+-]?[0-9]{1,9}$/;

/** The element an index means in a list of `size`: negative ones count from the end; undefined when out of range. */
export function position(index: number, size: number): number | undefined {
  const at = index < 0 ? size + index : index;
  return at >= 0 && at < size ? at : undefined;
}
