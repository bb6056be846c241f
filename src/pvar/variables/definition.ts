import { type PvarContext, type PvarValue, textOf } from '../context.js';

/** Reads a variable of the current message; null where it has no value. */
export type Getter = (context: PvarContext) => PvarValue;
/** Writes a variable; null deletes its value. */
export type Setter = (context: PvarContext, value: PvarValue) => void;

/** A compiled text that may contain variables: an argument or an index. */
export interface TextReader {
  /** Its value, when it contains no variable. */
  readonly constant: string | undefined;
  /** Its constant text with "$" in place of each variable; set for arguments of variables only. */
  readonly shape?: string;
  /** All values, when the argument is a single variable; for a variable that counts values. */
  all?(context: PvarContext): readonly PvarValue[];
  /**
   * Marks the argument as one that must be a number by its type; called at load by transformations that read it as a
   * number.
   */
  asInteger?(): void;
  read(context: PvarContext): string;
}

/** A compiled index of a variable. */
export type IndexReader =
  | { readonly kind: 'all' }
  | { readonly kind: 'append' }
  | { readonly kind: 'at'; read(context: PvarContext): number };

/** A variable compiled with its argument and index. */
export interface CompiledVariable {
  readonly get: Getter;
  /** Absent: read-only. */
  readonly set?: Setter;
  /** What ":=" does where that differs from "=": it replaces all values of an AVP. */
  readonly replace?: Setter;
  /** All values, for the index "[*]". */
  readonly all?: ((context: PvarContext) => readonly PvarValue[]) | undefined;
}

/** A name in the table of variables. */
export interface VariableDefinition {
  readonly argument: 'none' | 'optional' | 'required';
  /** Whether the variable takes an "[index]". */
  readonly indexed: boolean;
  /** Whether values are protocol names, which scripts write in either letter case. */
  readonly ignoreCase?: boolean;
  /** Whether comparisons take text of digits for a number. */
  readonly digits?: boolean;
  /** What null is in a text; default "<null>". */
  readonly shownNull?: string;
  /** Whether its argument is a variable whose values it counts. */
  readonly counts?: boolean;
  /**
   * Compiles the variable. Throws a plain Error with the reason when argument or index do not fit; the caller adds name
   * and offset.
   */
  compile(argument: TextReader | undefined, index: IndexReader | undefined): CompiledVariable;
}

/** A variable without argument and index. */
export function plain(get: Getter, set?: Setter): VariableDefinition {
  const compiled = set === undefined ? { get } : { get, set };
  return { argument: 'none', indexed: false, compile: () => compiled };
}

/** Reads a value of a list by its index; "[*]" joins all of them by ", "; no index means the first. */
export function pick(
  index: IndexReader | undefined,
  count: (context: PvarContext) => number,
  at: (context: PvarContext, index: number) => PvarValue,
): Getter {
  if (index === undefined) return (context) => at(context, 0);
  if (index.kind === 'append') return () => null;
  if (index.kind === 'all') {
    return (context) => {
      const values: PvarValue[] = [];
      const size = count(context);
      for (let i = 0; i < size; i++) values.push(at(context, i));
      return values.length === 0 ? null : values.join(', ');
    };
  }
  return (context) => {
    const i = index.read(context);
    const position = i < 0 ? count(context) + i : i;
    return position < 0 ? null : at(context, position);
  };
}

/** Reads all values of a list for the index "[*]"; undefined for any other index. */
export function each(
  index: IndexReader | undefined,
  count: (context: PvarContext) => number,
  at: (context: PvarContext, index: number) => PvarValue,
): ((context: PvarContext) => readonly PvarValue[]) | undefined {
  if (index?.kind !== 'all') return undefined;
  return (context) => Array.from({ length: count(context) }, (_, i) => at(context, i));
}

/** As `each`, for a list that can only be made as a whole. */
export function eachOf(
  index: IndexReader | undefined,
  list: (context: PvarContext) => readonly PvarValue[],
): ((context: PvarContext) => readonly PvarValue[]) | undefined {
  return index?.kind === 'all' ? list : undefined;
}

/**
 * All values of a list as Kamailio writes them. As recorded, there is no separator before the first value that is not
 * empty.
 */
export function joined(values: readonly PvarValue[], joint: string): PvarValue {
  if (values.length === 0) return null;
  return values.reduce<string>((text, each) => (text === '' ? textOf(each) : text + joint + textOf(each)), '');
}

/** As `pick`, for a list that can only be made as a whole. */
export function pickOf(index: IndexReader | undefined, list: (context: PvarContext) => readonly PvarValue[]): Getter {
  if (index?.kind === 'append') return () => null;
  if (index?.kind === 'all') {
    return (context) => {
      const values = list(context);
      return values.length === 0 ? null : values.join(', ');
    };
  }
  return (context) => {
    const values = list(context);
    const i = index === undefined ? 0 : index.read(context);
    return values[i < 0 ? values.length + i : i] ?? null;
  };
}

/** Null for an empty or missing text, as for the parts of a URI. */
export function orNull(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text;
}
