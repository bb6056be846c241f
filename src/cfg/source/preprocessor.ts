import { ownValue } from '../../core/own-value.js';
import { type BoundedRegex, compilePosix } from '../../core/posix-regex.js';
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
import {
  MAX_CFG_TEXT,
  MAX_EXPANSIONS,
  MAX_FILE,
  MAX_INCLUDES,
  MAX_TOKENS,
  type SourceFile,
  type SourceReader,
} from './sources.js';

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

interface Substitution {
  readonly regex: BoundedRegex;
  readonly replacement: string;
  readonly all: boolean;
}

interface Condition {
  readonly at: Position;
  /** Whether the lines of the current branch are read. */
  active: boolean;
}

/** Maximum number of definitions. */
const MAX_DEFINITIONS = 10_000;
/** Words that a define never replaces. */
const KEYWORDS = new Set(
  'route request_route failure_route onreply_route reply_route branch_route onsend_route event_route if else switch case default while break return exit drop loadmodule modparam include_file import_file and or not mod defined'.split(
    ' ',
  ),
);

/** Reads files as they include each other, and executes Kamailio's "#!" lines. */
export class Preprocessor {
  readonly defines = new Map<string, string>();
  private readonly stack: Input[] = [];
  private readonly conditions: Condition[] = [];
  /** Position of the first "#!endif" without a condition, and the number of them. */
  private firstUnmatchedEnd: Position | undefined;
  private surplus = 0;
  private readonly substitutions: Substitution[] = [];
  private characters = 0;
  private tokens = 0;
  private readonly files = new Map<string, number>();
  private last: Input;

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

  /** Position of the end of the file. */
  endPosition(): Position {
    return this.last.position(this.last.text.length);
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
    if (value === undefined || KEYWORDS.has(name)) return false;
    let depth = 0;
    for (let i = this.stack.length - 1; i >= 0 && this.stack[i]?.define !== undefined; i--, depth++) {
      if (this.stack[i]?.define === name) return false;
    }
    if (depth >= MAX_EXPANSIONS) throw new SyntaxFault(at, `definitions nested deeper than ${MAX_EXPANSIONS}`);
    this.grow(value.length, at);
    this.stack.push(new Input(at.file, value, at, name));
    return true;
  }

  /** Applies all "#!subst" lines to the content of a string. */
  substitute(text: string): string {
    let result = text;
    for (const each of this.substitutions) result = replaced(result, each);
    return result;
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

  /** Executes a line that begins with "#!". False when it is a comment. */
  directive(input: Input): boolean {
    if (!this.options.directives || input.text[input.at + 1] !== '!') return false;
    const match = /^#!([A-Za-z_]+)/.exec(input.text.slice(input.at, input.at + 32));
    const name = match?.[1] ?? '';
    const known = DIRECTIVES.has(name) || (this.options.expressions && OF_EXPRESSIONS.has(name));
    if (!known) return false;
    const at = input.position(input.at);
    input.at += name.length + 2;
    this.carryOut(name, input.restOfLine().trim(), at, input);
    return true;
  }

  private carryOut(name: string, rest: string, at: Position, input: Input): void {
    const fail = (message: string) => new SyntaxFault(at, `#!${name}: ${message}`, 'syntax', 'preprocessor');
    switch (name) {
      case 'ifdef':
      case 'ifndef': {
        const word = /^[A-Za-z_][A-Za-z0-9_]*/.exec(rest)?.[0];
        if (word === undefined) throw fail('a name is missing');
        const active = this.defines.has(word) === (name === 'ifdef');
        this.conditions.push({ at, active });
        if (!active) this.skip(input);
        return;
      }
      case 'ifexp': {
        if (!this.options.expressions) throw fail('expressions need Kamailio 5.7 or later');
        const active = isTrue(this.evaluated(rest, fail));
        this.conditions.push({ at, active });
        if (!active) this.skip(input);
        return;
      }
      case 'defexp':
      case 'defexps': {
        const match = /^([A-Za-z_][A-Za-z0-9_]*)\s+([\s\S]+)$/.exec(rest);
        if (match === null) throw fail('a name and an expression are expected');
        const value = directiveText(this.evaluated(match[2] as string, fail));
        this.define('define', match[1] as string, name === 'defexps' ? `"${value}"` : value, fail);
        return;
      }
      case 'else': {
        const condition = this.conditions.at(-1);
        if (condition === undefined) return;
        condition.active = !condition.active;
        if (!condition.active) this.skip(input);
        return;
      }
      case 'endif':
        if (this.conditions.pop() === undefined) {
          this.firstUnmatchedEnd ??= at;
          this.surplus++;
        }
        return;
      case 'include_file':
      case 'import_file': {
        const path = /^"([^"]*)"/.exec(rest)?.[1];
        if (path === undefined) throw fail('the name of a file in quotes is missing');
        this.include(path, name === 'include_file', at);
        return;
      }
      case 'subst':
      case 'substdef':
      case 'substdefs':
        this.addSubstitution(name, rest, fail);
        return;
      case 'defenv':
      case 'defenvs':
      case 'trydefenv':
      case 'trydefenvs':
        this.defineFromEnvironment(name, rest, fail);
        return;
      default: {
        const match = /^([A-Za-z_][A-Za-z0-9_]*)\s*([\s\S]*)$/.exec(rest);
        if (match === null) throw fail('a name is missing');
        this.define(name, match[1] as string, (match[2] as string).trim(), fail);
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

  private defineFromEnvironment(directive: string, rest: string, fail: (message: string) => SyntaxFault): void {
    const match = /^([A-Za-z_][A-Za-z0-9_]*)(?:\s*=\s*([A-Za-z_][A-Za-z0-9_]*))?/.exec(rest);
    if (match === null) throw fail('a name is missing');
    const name = match[1] as string;
    const variable = match[2] ?? name;
    const value = ownValue(this.options.environment, variable);
    if (value === undefined) {
      if (directive.startsWith('try')) return;
      throw fail(`the environment has no variable "${variable}"`);
    }
    this.defines.set(name, directive.endsWith('s') ? `"${value}"` : value);
  }

  /** Parses "/expression/replacement/flags" in quotes, with any delimiter. */
  private addSubstitution(directive: string, rest: string, fail: (message: string) => SyntaxFault): void {
    const text = /^"([\s\S]*)"\s*$/.exec(rest)?.[1];
    if (text === undefined || text.length < 3) throw fail('"/what/by/" in quotes is missing');
    const mark = text[0] as string;
    const [what, by, flags, more] = text.slice(1).split(mark);
    if (what === undefined || what === '' || by === undefined || flags === undefined || more !== undefined) {
      throw fail(`"${mark}what${mark}by${mark}" is expected`);
    }
    let regex: BoundedRegex;
    try {
      regex = compilePosix(what, { ignoreCase: flags.includes('i') });
    } catch (error) {
      throw fail((error as Error).message);
    }
    this.substitutions.push({ regex, replacement: by, all: flags.includes('g') });
    if (directive === 'subst') return;
    if (this.defines.has(what)) throw fail(`"${what}" is defined already`);
    this.defines.set(what, directive === 'substdefs' ? `"${by}"` : by);
  }

  /** Skips lines up to the "#!else" or "#!endif" of the current condition. */
  private skip(input: Input): void {
    let depth = 0;
    while (!input.ended) {
      const start = input.at;
      const line = input.restOfLine();
      const name = /^[ \t]*#!(ifdef|ifndef|ifexp|else|endif)\b/.exec(line)?.[1];
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

const OF_EXPRESSIONS = new Set(['defexp', 'defexps']);
const DIRECTIVES = new Set(
  'define def trydef trydefine redef redefine ifdef ifndef ifexp else endif subst substdef substdefs defenv defenvs trydefenv trydefenvs include_file import_file'.split(
    ' ',
  ),
);

function replaced(text: string, { regex, replacement, all }: Substitution): string {
  let result = '';
  let from = 0;
  for (let i = 0; i < 1000; i++) {
    const match = regex.match(text, from);
    if (match === undefined) break;
    const by = replacement.replace(/\\([0-9])/g, (_whole, group: string) => match.groups[Number(group)] ?? '');
    result += text.slice(from, match.start) + by;
    from = match.end;
    if (!all || match.end === match.start) break;
  }
  return result + text.slice(from);
}
