import { trimmed } from '../core/characters.js';
import { messageOf, SwitchyardError } from '../core/errors.js';
import { nearest } from '../core/nearest.js';
import { integerOf, type PvarContext, type PvarValue, textOf } from './context.js';
import { COMMON_NAMES, type FormatNames } from './format-names.js';
import {
  type IndexNode,
  type Piece,
  parseFormat,
  quoted,
  type TransformationNode,
  type VariableNode,
} from './syntax.js';
import { concatenation, doubled, splitArguments } from './text-parts.js';
import type { Transform, TransformationDefinition } from './transformations/definition.js';
import type { CompiledVariable, Getter, IndexReader, Setter, TextReader } from './variables/definition.js';

/** A string with pseudo-variables, parsed and compiled once. Evaluating it never throws. */
export interface Format {
  /** As written. */
  readonly text: string;
  /** The result, when the text contains no variable. */
  readonly constant: string | undefined;
  /** Names of the variables it uses, in order of appearance. */
  readonly names: readonly string[];
  /** Whether the text is a single variable that may be assigned to. */
  readonly writable: boolean;
  /**
   * Whether the text is a single variable whose values are protocol names ("UDP"), which are compared without letter
   * case.
   */
  readonly ignoreCase: boolean;
  /** Whether the text is a single variable whose digits count as a number in comparisons. */
  readonly digits: boolean;
  /** Reader and writer of a text that is a single variable, for callers that use them for each message. */
  readonly getter: Getter | undefined;
  readonly setter: Setter | undefined;
  /** Reader of all values of a text that is a single variable with the index "[*]". */
  readonly values: ((context: PvarContext) => readonly PvarValue[]) | undefined;
  /** The text with all variables replaced; null becomes "<null>", as in OpenSIPS. */
  evaluate(context: PvarContext): string;
  /** For a single variable its value with its type, or null; otherwise as `evaluate`. */
  evaluateValue(context: PvarContext): PvarValue;
  /** Assigns to a single writable variable; does nothing for other texts, or for a value the variable cannot take. */
  assign(context: PvarContext, value: PvarValue): void;
  /** As `assign`, but replaces all values where a variable has several. */
  replace(context: PvarContext, value: PvarValue): void;
}

/** How a format is compiled. */
export interface FormatOptions {
  /** Letters that, after "%", stand for texts of the context: "ui" for %u and %i of pvar_algo_pattern. */
  readonly placeholders?: string;
  /** Known names; by default those of route scripts and settings. */
  readonly names?: FormatNames;
  /** Whether a text that begins with a variable means that variable alone; the rest is ignored. */
  readonly leading?: boolean;
}

/**
 * Compiles a format such as "$fU@$ci" or "$(ru{uri.host})". Syntax: OpenSIPS core variables and script transformations.
 * Throws SwitchyardError PVAR_UNKNOWN for an unknown name, with a suggestion, and PVAR_SYNTAX for all other errors,
 * with offset and text.
 */
export function compileFormat(text: string, options: FormatOptions = {}): Format {
  return new Compiler(text, options.placeholders ?? '', options.names ?? COMMON_NAMES).format(options.leading === true);
}

/**
 * Compiles a text that is one writable variable ("$var(setid)", "$avp(list)"). Throws as `compileFormat`, and
 * PVAR_SYNTAX when the text is not a single variable or the variable is read-only.
 */
export function compileWritable(text: string): Format {
  const format = compileFormat(trimmed(text));
  if (!format.writable) {
    throw new SwitchyardError('PVAR_SYNTAX', `${quoted(text)} is not a single variable that can be set`);
  }
  return format;
}

class Compiler {
  private readonly names: string[] = [];
  /** Current nesting depth of transformation arguments. */
  private depth = 0;

  constructor(
    private readonly text: string,
    private readonly placeholders: string,
    private readonly known: FormatNames,
  ) {}

  format(leading: boolean): Format {
    const pieces = parseFormat(this.text, this.placeholders, this.known);
    const { text, names } = this;
    const only = pieces[0];
    if ((pieces.length === 1 || leading) && only?.kind === 'variable') {
      return new SingleVariable(text, names, this.variable(only));
    }
    const reader = this.reader(pieces);
    return new TextFormat(text, names, reader);
  }

  private reader(pieces: readonly Piece[]): TextReader {
    const parts = pieces.map((piece) => this.part(piece));
    return concatenation(parts);
  }

  private shaped(pieces: readonly Piece[], counted: boolean): TextReader {
    const shape = pieces.map((each) => (each.kind === 'text' ? each.text : '$')).join('');
    const [only, ...more] = pieces;
    if (!counted || only?.kind !== 'variable' || more.length > 0) return { ...this.reader(pieces), shape };
    const indexed = this.known.variables.get(only.name)?.indexed === true;
    const index = indexed ? ({ kind: 'all' } as const) : undefined;
    const { all } = this.variable({ ...only, index, transformations: [] });
    return { ...this.reader(pieces), shape, ...(all === undefined ? {} : { all }) };
  }

  private part(piece: Piece): string | ((context: PvarContext) => string) {
    if (piece.kind === 'text') return piece.text;
    if (piece.kind === 'placeholder') {
      const { letter } = piece;
      return (context) => context.placeholders?.[letter] ?? '';
    }
    const { get, shown = get, shownNull } = this.variable(piece);
    return (context) => {
      const value = shown(context);
      return typeof value === 'string' ? value : value === null ? shownNull : textOf(value);
    };
  }

  private variable(node: VariableNode): SingleVariableParts {
    const { variables } = this.known;
    const definition = variables.get(node.name);
    if (definition === undefined) {
      const meant = nearest(node.name, variables.keys());
      throw new SwitchyardError(
        'PVAR_UNKNOWN',
        `unknown variable $${node.name} at offset ${node.offset} of ${quoted(this.text)}${meant === undefined ? '' : `; did you mean $${meant}?`}`,
      );
    }
    this.names.push(node.name);
    if (node.argument === undefined && definition.argument === 'required') throw this.misuse(node, 'needs "(name)"');
    if (node.argument !== undefined && definition.argument === 'none') throw this.misuse(node, 'takes no "(name)"');
    if (node.index !== undefined && !definition.indexed) throw this.misuse(node, 'takes no index');
    const argument = node.argument === undefined ? undefined : this.shaped(node.argument, definition.counts === true);
    if (argument?.constant === '') throw this.misuse(node, 'needs something between its parentheses');
    let compiled: CompiledVariable;
    try {
      compiled = definition.compile(argument, this.index(node.index));
    } catch (error) {
      if (error instanceof SwitchyardError) throw error;
      throw this.misuse(node, messageOf(error));
    }
    const { ignoreCase = false, digits = false } = definition;
    const { of } = node;
    if (of !== undefined) {
      const own = compiled.get;
      const get: Getter = (context) => {
        const other = context.contextOf?.(of);
        return other === undefined ? null : own(other);
      };
      compiled = { get };
    }
    if (node.transformations.length === 0)
      return { ...compiled, ignoreCase, digits, shownNull: definition.shownNull ?? textOf(null) };
    // The value, and what is shown of it and given to the next transformation where that is something else.
    let { get } = compiled;
    let shown: Getter | undefined;
    for (const transformation of node.transformations) {
      const before: Getter = shown ?? get;
      get = this.transformed(before, transformation);
      shown = this.definitionOf(transformation.name)?.showsInput === true ? before : undefined;
    }
    return {
      get,
      ...(shown === undefined ? {} : { shown }),
      ignoreCase: false,
      digits: false,
      shownNull: this.known.emptyTransformed === true ? '' : textOf(null),
    };
  }

  private misuse(node: VariableNode, what: string): SwitchyardError {
    return new SwitchyardError(
      'PVAR_SYNTAX',
      `variable $${node.name} ${what} at offset ${node.offset} of ${quoted(this.text)}`,
    );
  }

  private index(node: IndexNode | undefined): IndexReader | undefined {
    if (node === undefined) return undefined;
    if (node.kind !== 'computed') return node;
    const reader = this.reader(node.pieces);
    if (reader.constant !== undefined) {
      const constant = Number(reader.constant);
      return { kind: 'at', read: () => constant };
    }
    return { kind: 'at', read: (context) => integerOf(reader.read(context)) ?? 0 };
  }

  private definitionOf(transformation: string): TransformationDefinition | undefined {
    const { transformations, foldCase } = this.known;
    return transformations.get(foldCase ? transformation.toLowerCase() : transformation);
  }

  private transformed(get: Getter, node: TransformationNode): Getter {
    const { transformations } = this.known;
    const definition = this.definitionOf(node.name);
    const fail = (code: 'PVAR_UNKNOWN' | 'PVAR_SYNTAX', what: string) =>
      new SwitchyardError(code, `${what} at offset ${node.offset} of ${quoted(this.text)}`);
    if (definition === undefined) {
      const meant = nearest(node.name, transformations.keys());
      const shown = quoted(node.name).slice(1, -1);
      const hint = meant === undefined ? '' : `; did you mean {${meant}}?`;
      const error = fail('PVAR_UNKNOWN', `unknown transformation {${shown}}`);
      throw hint === '' ? error : new SwitchyardError('PVAR_UNKNOWN', error.message + hint);
    }
    const args =
      node.argumentText === undefined
        ? []
        : splitArguments(node.argumentText, definition.max, this.known.keepsBlanksAfter);
    if (args.length < definition.least || args.length > definition.max) {
      const range = definition.least === definition.max ? definition.max : `${definition.least} to ${definition.max}`;
      throw fail('PVAR_SYNTAX', `transformation {${node.name}} takes ${range} arguments, not ${args.length},`);
    }
    let transform: Transform;
    /** Arguments that the transformation reads as numbers. */
    const numbers: Getter[] = [];
    try {
      transform = definition.make(
        args.map((arg) => this.argument(definition.literalDollars ? doubled(arg) : arg, node, numbers)),
      );
    } catch (error) {
      if (error instanceof SwitchyardError) throw error;
      throw fail('PVAR_SYNTAX', `transformation {${node.name}} ${messageOf(error)}`);
    }
    const { ofNull = null } = definition;
    if (numbers.length > 0) {
      return (context) => {
        const value = get(context);
        if (value === null) return ofNull;
        for (const number of numbers) if (typeof number(context) !== 'number') return null;
        return transform(value, context);
      };
    }
    return (context) => {
      const value = get(context);
      return value === null ? ofNull : transform(value, context);
    };
  }

  private argument(text: string, node: TransformationNode, numbers: Getter[]): TextReader {
    const base = { text: this.text, offset: node.argumentOffset, depth: ++this.depth };
    const pieces = parseFormat(text, this.placeholders, this.known, base);
    const reader = this.reader(pieces);
    this.depth--;
    const [only, ...more] = pieces;
    if (this.known.typedArguments !== true || only?.kind !== 'variable' || more.length > 0) return reader;
    return { ...reader, asInteger: () => numbers.push(this.variable(only).get) };
  }
}

interface SingleVariableParts extends CompiledVariable {
  readonly ignoreCase: boolean;
  readonly digits: boolean;
  /** Text that null becomes. */
  readonly shownNull: string;
  /** What a text shows, if it is not the value. */
  readonly shown?: Getter;
}

class SingleVariable implements Format {
  readonly constant = undefined;
  readonly ignoreCase: boolean;
  readonly digits: boolean;
  readonly values: Format['values'];
  readonly getter: Getter;
  readonly setter: Setter | undefined;
  private readonly setAll: Setter | undefined;
  private readonly shownNull: string;
  private readonly shown: Getter;

  constructor(
    readonly text: string,
    readonly names: readonly string[],
    parts: SingleVariableParts,
  ) {
    this.getter = parts.get;
    this.setter = parts.set;
    this.setAll = parts.replace ?? parts.set;
    this.ignoreCase = parts.ignoreCase;
    this.digits = parts.digits;
    this.shownNull = parts.shownNull;
    this.shown = parts.shown ?? parts.get;
    this.values = parts.all;
  }

  get writable(): boolean {
    return this.setter !== undefined;
  }

  evaluate(context: PvarContext): string {
    const value = this.shown(context);
    return typeof value === 'string' ? value : value === null ? this.shownNull : textOf(value);
  }

  evaluateValue(context: PvarContext): PvarValue {
    return this.getter(context);
  }

  assign(context: PvarContext, value: PvarValue): void {
    this.setter?.(context, value);
  }

  replace(context: PvarContext, value: PvarValue): void {
    this.setAll?.(context, value);
  }
}

class TextFormat implements Format {
  readonly constant: string | undefined;
  readonly writable = false;
  readonly ignoreCase = false;
  readonly digits = false;
  readonly values = undefined;
  readonly getter = undefined;
  readonly setter = undefined;

  constructor(
    readonly text: string,
    readonly names: readonly string[],
    private readonly reader: TextReader,
  ) {
    this.constant = reader.constant;
  }

  evaluate(context: PvarContext): string {
    return this.reader.read(context);
  }

  evaluateValue(context: PvarContext): PvarValue {
    return this.reader.read(context);
  }

  assign(): void {}

  replace(): void {}
}
