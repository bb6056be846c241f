import { type PvarContext, type PvarValue, textOf } from '../context.js';

/** Reads a variable of the message at hand; null where it has no value. */
export type Getter = (context: PvarContext) => PvarValue;
/** Writes a variable; null takes its value away. */
export type Setter = (context: PvarContext, value: PvarValue) => void;

/** A text that may hold variables: an argument or an index, compiled. */
export interface TextReader {
  /** Its value when it holds no variable. */
  readonly constant: string | undefined;
  /** What is constant in it, with "$" for each variable; for arguments of variables only. */
  readonly shape?: string;
  /** All values of the one variable it is, for a variable that counts them. */
  all?(context: PvarContext): readonly PvarValue[];
  /** Of an argument whose number must be one by its type: called at load by what reads it as a number. */
  asInteger?(): void;
  read(context: PvarContext): string;
}

/** A compiled index of a variable. */
export type IndexReader =
  | { readonly kind: 'all' }
  | { readonly kind: 'append' }
  | { readonly kind: 'at'; read(context: PvarContext): number };

/** A variable with its argument and index: how it is read and set. */
export interface CompiledVariable {
  readonly get: Getter;
  /** Absent: read-only. */
  readonly set?: Setter;
  /** What ":=" does where it is not the same as "=": all values of an AVP are replaced. */
  readonly replace?: Setter;
  /** With the index "[*]": all values one by one. */
  readonly all?: ((context: PvarContext) => readonly PvarValue[]) | undefined;
}

/** One name of the table of variables. */
export interface VariableDefinition {
  readonly argument: 'none' | 'optional' | 'required';
  /** Whether "[index]" means something. */
  readonly indexed: boolean;
  /** Values are protocol names, which scripts write in either letter case. */
  readonly ignoreCase?: boolean;
  /** Text of digits that comparisons take for a number. */
  readonly digits?: boolean;
  /** Its argument is a variable whose values it counts. */
  readonly counts?: boolean;
  /** Throws a plain Error with the reason when argument or index do not fit; the caller adds name and offset. */
  compile(argument: TextReader | undefined, index: IndexReader | undefined): CompiledVariable;
}

/** A variable without argument and index. */
export function plain(get: Getter, set?: Setter): VariableDefinition {
  const compiled = set === undefined ? { get } : { get, set };
  return { argument: 'none', indexed: false, compile: () => compiled };
}

/** Values of a list under an index: one of them, or all joined by ", " for "[*]". No index is the first. */
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

/** The values of a list one by one, for the index "[*]"; undefined for another index. */
export function each(
  index: IndexReader | undefined,
  count: (context: PvarContext) => number,
  at: (context: PvarContext, index: number) => PvarValue,
): ((context: PvarContext) => readonly PvarValue[]) | undefined {
  if (index?.kind !== 'all') return undefined;
  return (context) => Array.from({ length: count(context) }, (_, i) => at(context, i));
}

/** As `each`, for a list that costs as much to make as to look into once. */
export function eachOf(
  index: IndexReader | undefined,
  list: (context: PvarContext) => readonly PvarValue[],
): ((context: PvarContext) => readonly PvarValue[]) | undefined {
  return index?.kind === 'all' ? list : undefined;
}

/** All values of a list as Kamailio writes them; as recorded, nothing separates those before the first that is not empty. */
export function joined(values: readonly PvarValue[], joint: string): PvarValue {
  if (values.length === 0) return null;
  return values.reduce<string>((text, each) => (text === '' ? textOf(each) : text + joint + textOf(each)), '');
}

/** As `pick`, for a list that costs as much to make as to look into once. */
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

/** Empty and missing are both null, as for the parts of a URI. */
export function orNull(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text;
}
