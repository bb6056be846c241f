import { createRequire } from 'node:module';
import type { Matcher, RE2JS } from 're2js';
import { messageOf } from './errors.js';
import { BitMatch } from './regex/bit-match.js';
import { GuidedMatch, type Span } from './regex/guided-match.js';
import { statesOf } from './regex/program.js';

const require = createRequire(import.meta.url);
/** The package, once it is loaded. */
let loaded: typeof import('re2js') | undefined;

/** Loads the package re2js with the first expression, since most configurations have none. */
function re2(): typeof import('re2js').RE2JS {
  loaded ??= require('re2js') as typeof import('re2js');
  return loaded.RE2JS;
}

/** A regular expression that matches in linear time, whatever text a peer sends. */
export interface BoundedRegex {
  readonly source: string;
  test(text: string): boolean;
  /** The first match from `from` on; undefined when there is none. */
  match(text: string, from?: number): RegexMatch | undefined;
}

/** Start and end of a match in UTF-16 units, and the texts of its groups; undefined for a group without a match. */
export interface RegexMatch {
  readonly start: number;
  readonly end: number;
  readonly groups: readonly (string | undefined)[];
}

/** Options of matching. */
export interface RegexOptions {
  readonly ignoreCase?: boolean;
  /** REG_NEWLINE: "." and "[^...]" do not match a line end; "^" and "$" match at line ends. */
  readonly lines?: boolean;
}

/** Longest expression that is compiled. */
const MAX_SOURCE = 4096;
/** Maximum number of characters shown of a refused pattern, and of the reason. */
const MAX_SHOWN = 200;
/**
 * Maximum number of states of an expression. In the worst case each is examined for each character: with thousands of
 * them, a message of 64 KB would take a tenth of a second.
 */
const MAX_STATES = 1000;

/**
 * Compiles a POSIX extended regular expression, with the escapes of the GNU library (\w \W \s \S \b \B \< \>). Finds
 * the leftmost, longest match. Throws an Error with the reason. Back-references are refused, since they cannot be
 * matched in linear time.
 */
export function compilePosix(source: string, options: RegexOptions = {}): BoundedRegex {
  if (source.length > MAX_SOURCE) throw new Error(`regular expression longer than ${MAX_SOURCE} characters`);
  const RE2JS = re2();
  let flags = RE2JS.LONGEST_MATCH;
  if (options.ignoreCase === true) flags |= RE2JS.CASE_INSENSITIVE;
  flags |= options.lines === true ? RE2JS.MULTILINE : RE2JS.DOTALL;
  try {
    return linear(source, RE2JS.compile(translate(source, options.lines === true), flags));
  } catch (error) {
    throw notValid(source, error);
  }
}

/**
 * Compiles a Perl expression; look-around and back-references are refused, since they cannot be matched in linear time.
 * Finds the leftmost match, by the first alternative. Throws an Error with the reason.
 */
export function compilePerl(source: string, options: { readonly ignoreCase?: boolean } = {}): BoundedRegex {
  if (source.length > MAX_SOURCE) throw new Error(`regular expression longer than ${MAX_SOURCE} characters`);
  try {
    const RE2JS = re2();
    const flags = options.ignoreCase === true ? RE2JS.CASE_INSENSITIVE : 0;
    return linear(source, RE2JS.compile(source, flags));
  } catch (error) {
    throw notValid(source, error);
  }
}

/**
 * The error of a refused pattern. Pattern and reason are quoted and shortened, since both may come from a peer and be
 * logged.
 */
function notValid(source: string, error: unknown): Error {
  const shown = source.length > MAX_SHOWN ? `${source.slice(0, MAX_SHOWN)}...` : source;
  const reason = messageOf(error).replace(/^error parsing regexp: /, '');
  return new Error(`regular expression ${JSON.stringify(shown)} is not valid: ${reason.slice(0, MAX_SHOWN)}`);
}

function linear(source: string, regex: RE2JS): BoundedRegex {
  const states = statesOf(regex);
  if (states > MAX_STATES)
    throw new Error(`its repetitions need ${states} states, more than ${MAX_STATES}: use smaller counts in {}`);
  return new LinearRegex(source, regex);
}

/**
 * Texts from this length on are matched by `BitMatch` or `GuidedMatch`, whose preparation would take longer than
 * matching a short text.
 */
const LONG = 128;

class LinearRegex implements BoundedRegex {
  /** Created for the first long text; null if the expression is not supported. */
  private bits: BitMatch | null | undefined;
  private guided: GuidedMatch | null | undefined;

  constructor(
    readonly source: string,
    private readonly regex: RE2JS,
  ) {}

  test(text: string): boolean {
    return text.length < LONG ? this.regex.test(text) : this.match(text) !== undefined;
  }

  match(text: string, from = 0): RegexMatch | undefined {
    if (from > text.length) return undefined;
    if (text.length >= LONG) {
      let found = this.guide()?.find(text, from);
      if (found === undefined) found = this.bitMatch()?.find(text, from);
      if (found === null) return undefined;
      if (found !== undefined)
        return new GuidedRegexMatch(text, found, () => this.matchBySearch(text, from)?.groups ?? []);
    }
    return this.matchBySearch(text, from);
  }

  private matchBySearch(text: string, from: number): RegexMatch | undefined {
    const matcher = this.regex.matcher(text);
    return (from === 0 ? matcher.find() : matcher.find(from)) ? new FoundMatch(matcher) : undefined;
  }

  private bitMatch(): BitMatch | null {
    if (this.bits === undefined) this.bits = BitMatch.of(this.regex) ?? null;
    return this.bits;
  }

  private guide(): GuidedMatch | null {
    if (this.guided === undefined || this.guided?.givenUp === true) {
      this.guided = this.guided === undefined ? (GuidedMatch.of(this.regex) ?? null) : null;
    }
    return this.guided;
  }
}

/** Groups are computed only when they are read, since that takes as long as finding the match. */
class FoundMatch implements RegexMatch {
  readonly start: number;
  readonly end: number;
  private found: readonly (string | undefined)[] | undefined;

  constructor(private readonly matcher: Matcher) {
    this.start = matcher.start();
    this.end = matcher.end();
  }

  get groups(): readonly (string | undefined)[] {
    const { matcher } = this;
    this.found ??= Array.from({ length: matcher.groupCount() + 1 }, (_, i) => matcher.group(i) ?? undefined);
    return this.found;
  }
}

class GuidedRegexMatch implements RegexMatch {
  readonly start: number;
  readonly end: number;
  private found: readonly (string | undefined)[] | undefined;

  constructor(
    private readonly text: string,
    private readonly span: Span,
    private readonly bySearch: () => readonly (string | undefined)[],
  ) {
    this.start = span.start;
    this.end = span.end;
  }

  get groups(): readonly (string | undefined)[] {
    this.found ??= this.look();
    return this.found;
  }

  private look(): readonly (string | undefined)[] {
    const spans = this.span.groups();
    if (spans === undefined) return this.bySearch();
    const groups: (string | undefined)[] = [];
    for (let i = 0; i < spans.length; i += 2) {
      const [start, end] = [spans[i] as number, spans[i + 1] as number];
      groups.push(start < 0 || end < 0 ? undefined : this.text.slice(start, end));
    }
    return groups;
  }
}

const GNU_ESCAPES = new Map([
  ['w', '[A-Za-z0-9_]'],
  ['W', '[^A-Za-z0-9_]'],
  ['s', '[ \\t\\n\\v\\f\\r]'],
  ['S', '[^ \\t\\n\\v\\f\\r]'],
  ['b', '\\b'],
  ['B', '\\B'],
  ['<', '\\b'],
  ['>', '\\b'],
  ['`', '\\A'],
  ["'", '\\z'],
]);

/**
 * Rewrites an expression for RE2: escapes characters that are literal in POSIX but special there, such as "(?" and lazy
 * quantifiers. As in the GNU library, a quantifier needs something to repeat, and a ")" without "(" is literal.
 */
function translate(source: string, lines: boolean): string {
  let out = '';
  /** Whether a quantifier may follow here. */
  let atom = false;
  /** Where in `out` the item begins that a quantifier would repeat. */
  let from = 0;
  /** Whether that item is already repeated: RE2 allows one quantifier for each. */
  let repeated = false;
  /** Where in `out` the open groups begin. */
  const open: number[] = [];
  const begin = (): void => {
    from = out.length;
    atom = true;
    repeated = false;
  };
  const repeat = (quantifier: string): void => {
    if (!atom) throw new Error(`nothing to repeat before "${quantifier.charAt(0)}"`);
    if (repeated) out = `${out.slice(0, from)}(?:${out.slice(from)})`;
    out += quantifier;
    repeated = true;
  };
  for (let i = 0; i < source.length; i++) {
    const c = source[i] as string;
    if (c === '\\') {
      const next = source[++i];
      if (next === undefined) throw new Error('trailing backslash');
      if (/[1-9]/.test(next)) throw new Error(`back-reference \\${next} is not supported`);
      begin();
      out += GNU_ESCAPES.get(next) ?? (/[A-Za-z0-9]/.test(next) ? next : `\\${next}`);
    } else if (c === '[') {
      const end = bracketEnd(source, i);
      begin();
      out += bracket(source.slice(i + 1, end), lines);
      i = end;
    } else if (c === '*' || c === '+' || c === '?') {
      let end = i;
      while (/[*+?]/.test(source[end + 1] ?? '')) end++;
      repeat(repetition(source.slice(i, end + 1)));
      i = end;
    } else if (c === '{') {
      const bound = /^\{([0-9]{1,4}(?:,(?:[0-9]{1,4})?)?|,(?:[0-9]{1,4})?)\}/.exec(source.slice(i, i + 16));
      if (bound?.[1] === undefined) throw new Error('"{" without a number of repetitions');
      repeat(bound[1].startsWith(',') ? `{0${bound[1]}}` : bound[0]);
      i += bound[0].length - 1;
    } else if (c === '^') {
      out += lines ? '(?m:^)' : '\\A';
      atom = false;
    } else if (c === '$') {
      out += lines ? '(?m:$)' : '\\z';
      atom = false;
    } else if (c === '(') {
      open.push(out.length);
      out += '(';
      atom = false;
    } else if (c === ')') {
      const start = open.pop();
      begin();
      out += start === undefined ? '\\)' : ')';
      from = start ?? from;
    } else if (c === '|') {
      out += '|';
      atom = false;
    } else {
      begin();
      out += c === '}' || c === ']' ? `\\${c}` : c;
    }
  }
  return out;
}

/** Joins several quantifiers in a row into one, since RE2 would read "a+?" as a lazy one. */
function repetition(run: string): string {
  if (/^\++$/.test(run)) return '+';
  return /^\?+$/.test(run) ? '?' : '*';
}

function bracketEnd(source: string, start: number): number {
  let i = start + 1;
  if (source[i] === '^') i++;
  if (source[i] === ']') i++;
  for (; i < source.length; i++) {
    if (source[i] === '[' && /[:.=]/.test(source[i + 1] ?? '')) {
      const close = source.indexOf(`${source[i + 1]}]`, i + 2);
      if (close < 0) break;
      i = close + 1;
    } else if (source[i] === ']') return i;
  }
  throw new Error('"]" missing');
}

/** Rewrites the inside of a bracket expression, where a backslash is literal. */
function bracket(inside: string, lines: boolean): string {
  const negated = inside.startsWith('^');
  const body = (negated ? inside.slice(1) : inside).replace(
    /\[:([a-z]+):\]|\[[.=](.)[.=]\]|[\\[\]^&~|]/g,
    (whole, name: string | undefined, single: string | undefined) => {
      if (name !== undefined) return `[:${name}:]`;
      if (single !== undefined) return `\\${single}`;
      return `\\${whole}`;
    },
  );
  return `[${negated ? '^' : ''}${body}${negated && lines ? '\\n' : ''}]`;
}
