import { trimmed } from '../core/characters.js';
import { SwitchyardError } from '../core/errors.js';

/** A format split into pieces; names are not looked up yet. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'placeholder'; readonly letter: string }
  | VariableNode;

/** A variable as written: "$(name(argument)[index]{transformation})". */
export interface VariableNode {
  readonly kind: 'variable';
  /** Offset of its "$" in the format. */
  readonly offset: number;
  readonly name: string;
  /** In "$(<request>ru)": the message that is read. */
  readonly of: 'request' | 'reply' | undefined;
  /** Undefined without parentheses. */
  readonly argument: readonly Piece[] | undefined;
  readonly index: IndexNode | undefined;
  readonly transformations: readonly TransformationNode[];
}

/** An index in brackets: "*", "+", or a number, which may be computed. */
export type IndexNode =
  | { readonly kind: 'all' }
  | { readonly kind: 'append' }
  | { readonly kind: 'computed'; readonly pieces: readonly Piece[] };

/** One "{...}" after a variable. */
export interface TransformationNode {
  readonly offset: number;
  /** For example "s.substr". */
  readonly name: string;
  /** Everything after the first comma; may contain variables. Undefined without a comma. */
  readonly argumentText: string | undefined;
  readonly argumentOffset: number;
}

const MAX_TEXT = 8192;
const MAX_DEPTH = 8;
const MAX_TRANSFORMATIONS = 16;
const MAX_PIECES = 256;

/** A text as part of a one-line message: shortened, control characters replaced. */
export function quoted(text: string): string {
  const clean = text.replace(/[^\x20-\x7e]/g, '.');
  return `"${clean.length > 120 ? `${clean.slice(0, 117)}...` : clean}"`;
}

function syntaxError(text: string, offset: number, what: string): SwitchyardError {
  return new SwitchyardError('PVAR_SYNTAX', `${what} at offset ${offset} of ${quoted(text)}`);
}

/** Rules that decide where a name ends. */
export interface NameRules {
  readonly variables: { has(name: string): boolean };
  readonly greedy: boolean;
  /**
   * Whether names of transformations may be written in either letter case; they may then not have blanks around them.
   */
  readonly foldCase: boolean;
  /** Whether blanks in "$(...)" may only stand after a transformation (Kamailio). */
  readonly tight?: boolean | undefined;
  /** Whether names may contain question marks (Kamailio). */
  readonly questionMarks?: boolean | undefined;
}

/** Splits a format into pieces. Throws SwitchyardError PVAR_SYNTAX with offset and text. */
export function parseFormat(
  text: string,
  placeholders: string,
  names: NameRules,
  base = { text, offset: 0, depth: 0 },
): Piece[] {
  if (text.length > MAX_TEXT) {
    throw syntaxError(text, MAX_TEXT, `format longer than ${MAX_TEXT} characters is refused`);
  }
  return new FormatParser(text, placeholders, names, base).format();
}

class FormatParser {
  private at = 0;
  private depth: number;

  constructor(
    private readonly text: string,
    private readonly placeholders: string,
    private readonly names: NameRules,
    private readonly base: { readonly text: string; readonly offset: number; readonly depth: number },
  ) {
    this.depth = base.depth;
  }

  format(): Piece[] {
    return this.pieces(undefined);
  }

  private fail(offset: number, what: string): SwitchyardError {
    return syntaxError(this.base.text, this.base.offset + offset, what);
  }

  /**
   * Reads pieces up to `close`, which is not consumed, or to the end of the text. Parentheses in plain text must
   * balance.
   */
  private pieces(close: ')' | ']' | undefined): Piece[] {
    if (++this.depth > MAX_DEPTH) throw this.fail(this.at, `variables nested deeper than ${MAX_DEPTH}`);
    const start = this.at;
    const pieces: Piece[] = [];
    let plain = '';
    let open = 0;
    const flush = () => {
      if (plain !== '') pieces.push({ kind: 'text', text: plain });
      plain = '';
    };
    for (;;) {
      if (this.at >= this.text.length) {
        if (close !== undefined) throw this.fail(start, `"${close}" is missing for what begins`);
        break;
      }
      const c = this.text[this.at] as string;
      if (close !== undefined && c === close && open === 0) break;
      if (close === ')' && c === '(') open++;
      if (close === ')' && c === ')') open--;
      if (c === '$') {
        if (this.text[this.at + 1] === '$') {
          plain += '$';
          this.at += 2;
          continue;
        }
        flush();
        pieces.push(this.variable());
      } else if (c === '%' && this.placeholders.includes(this.text[this.at + 1] ?? '%')) {
        flush();
        pieces.push({ kind: 'placeholder', letter: this.text[this.at + 1] as string });
        this.at += 2;
      } else {
        plain += c;
        this.at++;
      }
      if (pieces.length > MAX_PIECES) throw this.fail(this.at, `more than ${MAX_PIECES} pieces`);
    }
    flush();
    this.depth--;
    return pieces;
  }

  private variable(): VariableNode {
    const offset = this.at++;
    if (this.text[this.at] === '(') {
      this.at++;
      if (!this.names.tight) this.blanks();
      const of = this.context();
      const node = { ...this.inner(offset, true), of };
      if (!this.names.tight) this.blanks();
      if (this.text[this.at] !== ')') {
        throw this.fail(
          this.at,
          `")" expected after $(${node.name}${this.at < this.text.length ? '' : ' before the end'}`,
        );
      }
      this.at++;
      return node;
    }
    return this.inner(offset, false);
  }

  /** Reads "<request>" or "<reply>" before a name. */
  private context(): 'request' | 'reply' | undefined {
    if (this.text[this.at] !== '<') return undefined;
    for (const each of ['request', 'reply'] as const) {
      if (!this.text.startsWith(`<${each}>`, this.at)) continue;
      this.at += each.length + 2;
      return each;
    }
    throw this.fail(this.at, 'only <request> and <reply> are allowed here');
  }

  /** Reads name, argument, index and transformations; the last two only inside "$(...)". */
  private inner(offset: number, bracketed: boolean): VariableNode {
    const name = this.name(offset);
    let argument: Piece[] | undefined;
    if (this.text[this.at] === '(') {
      this.at++;
      argument = this.pieces(')');
      this.at++;
    }
    let index: IndexNode | undefined;
    if (bracketed && this.text[this.at] === '[') {
      this.at++;
      index = this.index();
    }
    const transformations: TransformationNode[] = [];
    if (bracketed) {
      if (!this.names.tight) this.blanks();
      while (this.text[this.at] === '{') {
        if (transformations.length === MAX_TRANSFORMATIONS) {
          throw this.fail(this.at, `more than ${MAX_TRANSFORMATIONS} transformations`);
        }
        transformations.push(this.transformation());
        this.blanks();
      }
    }
    return {
      kind: 'variable',
      offset: this.base.offset + offset,
      name,
      of: undefined,
      argument,
      index,
      transformations,
    };
  }

  private name(offset: number): string {
    const start = this.at;
    if (this.names.greedy) {
      const part = this.names.questionMarks ? /[A-Za-z0-9_.?]/ : /[A-Za-z0-9_.]/;
      if (this.text[this.at] === '?' && !this.names.questionMarks) this.at++;
      else while (part.test(this.text[this.at] ?? '')) this.at++;
      if (this.at > start) return this.text.slice(start, this.at);
    }
    while (/[A-Za-z0-9_]/.test(this.text[this.at] ?? '')) this.at++;
    let name = this.text.slice(start, this.at);
    if (name === '') throw this.fail(offset, 'variable name missing after "$" (write "$$" for the character itself)');
    // A dot belongs to the name only where a longer name is known ("$auth.resp"): "$rd.example" is a variable and text.
    const dotted = /^\.[A-Za-z_]+/.exec(this.text.slice(this.at, this.at + 32));
    if (dotted !== null && this.names.variables.has(name + dotted[0])) {
      name += dotted[0];
      this.at += dotted[0].length;
    }
    return name;
  }

  private index(): IndexNode {
    const start = this.at;
    const pieces = this.pieces(']');
    const raw = trimmed(this.text.slice(start, this.at));
    this.at++;
    if (raw === '*') return { kind: 'all' };
    if (raw.toLowerCase() === 'append') return { kind: 'append' };
    if (pieces.every((piece) => piece.kind === 'text') && !/^[+-]?[0-9]{1,6}$/.test(raw)) {
      throw this.fail(start, 'index must be a number, a variable, "*" or "append"');
    }
    return { kind: 'computed', pieces };
  }

  /** Reads "{name,arguments}"; braces and parentheses of nested variables balance. */
  private transformation(): TransformationNode {
    const offset = this.at++;
    const start = this.at;
    let braces = 0;
    while (this.at < this.text.length) {
      const c = this.text[this.at];
      if (c === '{') braces++;
      else if (c === '}' && braces-- === 0) break;
      this.at++;
    }
    if (this.at >= this.text.length) throw this.fail(offset, '"}" missing for the transformation');
    const raw = this.text.slice(start, this.at);
    this.at++;
    const comma = raw.indexOf(',');
    const written = comma < 0 ? raw : raw.slice(0, comma);
    const name = trimmed(written);
    // Recorded of OpenSIPS; its names of transformations may be written in either letter case.
    if (this.names.foldCase && name !== written)
      throw this.fail(offset, `blank in the name of transformation {${name}}`);
    return {
      offset: this.base.offset + offset,
      name,
      argumentText: comma < 0 ? undefined : raw.slice(comma + 1),
      argumentOffset: this.base.offset + start + comma + 1,
    };
  }

  private blanks(): void {
    while (this.text[this.at] === ' ' || this.text[this.at] === '\t') this.at++;
  }
}
