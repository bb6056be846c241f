import { ownValue } from '../../core/own-value.js';
import type { Position } from '../ast.js';
import type { CfgProblemCode } from '../problem.js';
import {
  type DirectiveValue,
  directiveText,
  ExpressionFault,
  evaluateDirective,
  isTrue,
} from './directive-expression.js';
import { Input } from './input.js';
import { RESERVED } from './reserved.js';
import {
  MAX_CFG_TEXT,
  MAX_EXPANSIONS,
  MAX_FILE,
  MAX_INCLUDES,
  MAX_TOKENS,
  type SourceFile,
  type SourceReader,
} from './sources.js';
import { Substitutions, TooMuchSubstitution } from './substitutions.js';

/** An error that ends the reading of a file. */
export class SyntaxFault extends Error {
  constructor(
    readonly at: Position,
    message: string,
    /** Kind of construct that has no end, for callers that report the line where that was noticed. */
    readonly what: 'syntax' | 'string' | 'comment' = 'syntax',
    readonly code: CfgProblemCode = 'syntax',
  ) {
    super(message);
    this.name = 'SyntaxFault';
  }
}

/** Options for includes and directives. */
export interface PreprocessorOptions {
  /** Whether "#!define" and the like are directives. */
  readonly directives: boolean;
  /** Whether "#!ifexp" and "#!defexp" are directives (Kamailio 5.7 and later). */
  readonly expressions: boolean;
  readonly reader: SourceReader;
  /** Definitions of the command line and of the program: KAMAILIO_5, MOD_tm. */
  readonly defines: ReadonlyMap<string, string>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

interface Condition {
  readonly at: Position;
  /** Whether the lines of the current branch are read. */
  active: boolean;
}

/** Maximum number of definitions. */
const MAX_DEFINITIONS = 10_000;
/** Reads files as they include each other, and executes Kamailio's "#!" lines. */
export class Preprocessor {
  readonly defines = new Map<string, string>();
  private readonly stack: Input[] = [];
  private readonly conditions: Condition[] = [];
  /** Position of the first "#!endif" without a condition, and the number of them. */
  private firstUnmatchedEnd: Position | undefined;
  private surplus = 0;
  private readonly substitutions = new Substitutions();
  private characters = 0;
  private tokens = 0;
  private readonly files = new Map<string, number>();
  private last: Input;
  /** A comment without an end, which has swallowed the rest of the text. */
  openComment: Position | undefined;
  /** A "#!subst" or the like whose argument, a string, is the next token. */
  awaiting: string | undefined;

  constructor(
    private readonly source: SourceFile,
    private readonly options: PreprocessorOptions,
  ) {
    for (const [name, value] of options.defines) this.defines.set(name, value);
    this.last = this.open(source, { file: source.file, line: 1, column: 1 });
  }

  /** The main file. */
  get file(): string {
    return this.source.file;
  }

  /** The input being read; undefined after the end of the main file. */
  get current(): Input | undefined {
    return this.stack.at(-1);
  }

  /** The current input has ended: returns to the one that included it. */
  leave(): void {
    const input = this.stack.pop();
    if (input === undefined) return;
    if (input.define === undefined) {
      this.files.set(input.file, (this.files.get(input.file) ?? 1) - 1);
      this.last = input;
    }
  }

  /** Position of the end of the file; in an open comment the end of its last line. */
  endPosition(): Position {
    const { text } = this.last;
    return this.last.position(this.openComment === undefined ? text.length : text.trimEnd().length);
  }

  /**
   * The error in the balance of conditions, after the file has been read to its end. As observed, Kamailio only counts:
   * a surplus "#!endif" is accepted where another condition has no end.
   */
  unbalanced(): SyntaxFault | undefined {
    const open = this.conditions.at(-1);
    const { firstUnmatchedEnd, surplus } = this;
    if (open !== undefined && this.conditions.length > surplus) {
      return new SyntaxFault(open.at, '#!endif is missing for this line', 'syntax', 'unbalanced');
    }
    if (firstUnmatchedEnd === undefined || surplus === this.conditions.length) return undefined;
    return new SyntaxFault(firstUnmatchedEnd, '#!endif without an #!ifdef before it', 'syntax', 'unbalanced');
  }

  /** Counts a token. Throws SyntaxFault when there are too many. */
  countToken(at: Position): void {
    if (++this.tokens > MAX_TOKENS) throw new SyntaxFault(at, `more than ${MAX_TOKENS} tokens`, 'syntax', 'too-large');
  }

  /** Begins to read the value of a define in place of its name. False when the name is not a define. */
  expand(name: string, at: Position): boolean {
    const value = this.defines.get(name);
    if (value === undefined || RESERVED.has(name)) return false;
    let depth = 0;
    for (let i = this.stack.length - 1; i >= 0 && this.stack[i]?.define !== undefined; i--, depth++) {
      if (this.stack[i]?.define === name) return false;
    }
    if (depth >= MAX_EXPANSIONS) throw new SyntaxFault(at, `definitions nested deeper than ${MAX_EXPANSIONS}`);
    this.grow(value.length, at);
    this.stack.push(new Input(at.file, value, at, name));
    return true;
  }

  /** Applies all "#!subst" lines to the content of a string, which stands at `at`. */
  substitute(text: string, at: Position): string {
    return substituted(at, () => this.substitutions.apply(text));
  }

  /** Begins to read a file whose name is given in quotes; a `required` one must exist. */
  include(path: string, required: boolean, at: Position): void {
    const source = this.options.reader.read(path, at.file);
    if (source === undefined) {
      if (required) throw new SyntaxFault(at, `included file "${path}" cannot be read`, 'syntax', 'include');
      return;
    }
    if ((this.files.get(source.file) ?? 0) > 0) {
      throw new SyntaxFault(at, `"${path}" includes itself`, 'syntax', 'include');
    }
    if (this.stack.length >= MAX_INCLUDES) {
      throw new SyntaxFault(at, `files included deeper than ${MAX_INCLUDES} levels`, 'syntax', 'include');
    }
    this.open(source, at);
  }

  /** Executes what begins with "#!" or "!!". False when it is no directive. */
  directive(input: Input): boolean {
    if (!this.options.directives || input.text[input.at + 1] !== '!') return false;
    const match = /^[#!]!([A-Za-z_]+)/.exec(input.text.slice(input.at, input.at + 32));
    const name = match?.[1] ?? '';
    const known = DIRECTIVES.has(name) || (this.options.expressions && OF_EXPRESSIONS.has(name));
    if (!known) return false;
    const from = input.at;
    input.at += name.length + 2;
    // As observed: without a name a line is a comment, and so is one with more than the word. A condition on something
    // else than a name is one on a name that is not defined.
    const comment = NAMED.has(name)
      ? input.match(NAME_NEXT) === null && !(CONDITIONS.has(name) && input.match(BLANK_NEXT) !== null)
      : ALONE.has(name) && input.match(LINE_END_NEXT) === null;
    if (comment) {
      input.at = from;
      return false;
    }
    this.carryOut(name, input.position(from), input);
    return true;
  }

  private carryOut(name: string, at: Position, input: Input): void {
    const fail = (message: string) => new SyntaxFault(at, `#!${name}: ${message}`, 'syntax', 'preprocessor');
    switch (name) {
      case 'ifdef':
      case 'ifndef': {
        const word = nameIn(input.restOfLine(), fail);
        const active = this.defines.has(word) === (name === 'ifdef');
        this.conditions.push({ at, active });
        if (!active) this.skip(input);
        return;
      }
      case 'ifexp': {
        if (!this.options.expressions) throw fail('expressions need Kamailio 5.7 or later');
        const active = isTrue(this.evaluated(input.joinedLines(() => true).trim(), fail));
        this.conditions.push({ at, active });
        if (!active) this.skip(input);
        return;
      }
      case 'defexp':
      case 'defexps': {
        const match = /^([A-Za-z_][A-Za-z0-9_]*)\s+([\s\S]+)$/.exec(input.joinedLines(() => true).trim());
        if (match === null) throw fail('a name and an expression are expected');
        const value = directiveText(this.evaluated(match[2] as string, fail));
        this.define('define', match[1] as string, name === 'defexps' ? `"${value}"` : value, fail);
        return;
      }
      case 'else': {
        input.restOfLine();
        const condition = this.conditions.at(-1);
        if (condition === undefined) return;
        condition.active = !condition.active;
        if (!condition.active) this.skip(input);
        return;
      }
      case 'endif':
        input.restOfLine();
        if (this.conditions.pop() === undefined) {
          this.firstUnmatchedEnd ??= at;
          this.surplus++;
        }
        return;
      case 'include_file':
      case 'import_file': {
        const [whole, path] = input.match(PATH_NEXT) ?? [];
        if (whole === undefined || path === undefined) throw fail('the name of a file in quotes is missing');
        input.at += whole.length;
        this.include(path, name === 'include_file', at);
        return;
      }
      case 'subst':
      case 'substdef':
      case 'substdefs':
        if (this.awaiting !== undefined) throw fail('a string is expected before it');
        this.awaiting = name;
        return;
      case 'defenv':
      case 'defenvs':
      case 'trydefenv':
      case 'trydefenvs': {
        // What follows the word on the line is read as usual.
        const [whole = '', word] = input.match(WORD_NEXT) ?? [];
        if (word === undefined) throw fail('a name is missing');
        input.at += whole.length;
        this.defineFromEnvironment(name, word, fail);
        return;
      }
      default: {
        // The value, but not the name, may go on in the next line.
        const line = input.joinedLines((each) => /^\s*\w+\s+\S/.test(each)).trimStart();
        const word = nameIn(line, fail);
        this.define(name, word, line.slice(word.length).trimStart(), fail);
      }
    }
  }

  private evaluated(expression: string, fail: (message: string) => SyntaxFault): DirectiveValue {
    try {
      return evaluateDirective(expression, this.defines);
    } catch (error) {
      if (error instanceof ExpressionFault) throw fail(error.message);
      throw error;
    }
  }

  private define(directive: string, name: string, value: string, fail: (message: string) => SyntaxFault): void {
    const exists = this.defines.has(name);
    if (directive.startsWith('try') && exists) return;
    if (exists && (directive === 'define' || directive === 'def')) throw fail(`"${name}" is defined already`);
    if (this.defines.size >= MAX_DEFINITIONS) throw fail(`more than ${MAX_DEFINITIONS} definitions`);
    this.defines.set(name, value);
  }

  /** `word`: "NAME", or "NAME=VARIABLE". */
  private defineFromEnvironment(directive: string, word: string, fail: (message: string) => SyntaxFault): void {
    const [name = '', variable = name] = word.split(/=([\s\S]*)/, 2);
    if (name === '' || variable === '') throw fail('"NAME" or "NAME=VARIABLE" is expected');
    const value = ownValue(this.options.environment, variable);
    if (value === undefined) {
      if (directive.startsWith('try')) return;
      throw fail(`the environment has no variable "${variable}"`);
    }
    this.defines.set(name, directive.endsWith('s') ? `"${value}"` : value);
  }

  /** Adds the argument of "#!subst" or the like; returns what is wrong with it. */
  addSubstitution(directive: string, text: string, at: Position): string | undefined {
    const { what, by, fault } = substituted(at, () => this.substitutions.add(directive, text));
    if (fault !== undefined || directive === 'subst') return fault;
    if (this.defines.has(what)) return `#!${directive}: "${what}" is defined already`;
    this.defines.set(what, directive === 'substdefs' ? `"${by}"` : by);
    return undefined;
  }

  /** Skips lines up to the "#!else" or "#!endif" of the current condition. */
  private skip(input: Input): void {
    let depth = 0;
    while (!input.ended) {
      const start = input.at;
      const line = input.restOfLine();
      const match = SKIPPED.exec(line);
      const name = match?.[1] ?? match?.[2];
      if (name === undefined) continue;
      if (name === 'endif' && depth-- === 0) {
        this.conditions.pop();
        return;
      }
      if (name === 'else' && depth === 0) {
        const condition = this.conditions.at(-1);
        if (condition !== undefined) condition.active = true;
        return;
      }
      if (name.startsWith('if')) depth++;
      input.position(start);
    }
  }

  private open(source: SourceFile, at: Position): Input {
    if (source.text.length > MAX_FILE) {
      throw new SyntaxFault(at, `"${source.file}" is longer than ${MAX_FILE} bytes`, 'syntax', 'too-large');
    }
    this.grow(source.text.length, at);
    this.files.set(source.file, (this.files.get(source.file) ?? 0) + 1);
    const input = new Input(source.file, source.text, undefined, undefined, source.lines);
    this.stack.push(input);
    return input;
  }

  private grow(characters: number, at: Position): void {
    this.characters += characters;
    if (this.characters > MAX_CFG_TEXT) {
      throw new SyntaxFault(
        at,
        `the file and those it includes have more than ${MAX_CFG_TEXT} characters`,
        'syntax',
        'too-large',
      );
    }
  }
}

/** What `work` with the "#!subst" lines gives; too much work is a fault at `at`. */
function substituted<Result>(at: Position, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof TooMuchSubstitution) throw new SyntaxFault(at, error.message, 'syntax', 'too-large');
    throw error;
  }
}

/** The name at the beginning of a text; nothing but a minus is refused after it. */
function nameIn(text: string, fail: (message: string) => SyntaxFault): string {
  const [, name = '', next] = /^\s*([A-Za-z_][A-Za-z0-9_]*)(-)?/.exec(text) ?? [];
  if (next !== undefined) throw fail(`"-" is not allowed in the name after ${name}`);
  return name;
}

/** What may follow the word of a directive. */
const NAME_NEXT = /[ \t]+[A-Za-z_]/y;
const BLANK_NEXT = /[ \t]/y;
const LINE_END_NEXT = /[^\S\n]*(?:\n|$)/y;
const PATH_NEXT = /[ \t]*"([^"\n]*)"/y;
const WORD_NEXT = /[ \t]*(\S+)?/y;

/** Directives that count while lines are skipped. */
const SKIPPED = /^[ \t]*[#!]!(?:(ifdef|ifndef|ifexp)[ \t]+[^ \t]|(else|endif)[ \t]*$)/;

/** Directives that need a name, and those that stand alone. */
const NAMED: ReadonlySet<string> = new Set([
  'define',
  'def',
  'trydef',
  'trydefine',
  'redef',
  'redefine',
  'ifdef',
  'ifndef',
]);
const CONDITIONS: ReadonlySet<string> = new Set(['ifdef', 'ifndef']);
const ALONE: ReadonlySet<string> = new Set(['else', 'endif']);

const OF_EXPRESSIONS = new Set(['defexp', 'defexps']);
const DIRECTIVES = new Set(
  'define def trydef trydefine redef redefine ifdef ifndef ifexp else endif subst substdef substdefs defenv defenvs trydefenv trydefenvs include_file import_file'.split(
    ' ',
  ),
);
