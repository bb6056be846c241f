import { ownValue } from '../../core/own-value.js';
import { type BoundedRegex, compilePosix, type RegexMatch } from '../../core/posix-regex.js';

interface Substitution {
  /** undefined where the expression is just a text. */
  readonly regex: BoundedRegex | undefined;
  readonly replacement: string;
  readonly all: boolean;
  /** The text that is replaced, where the expression is just a text. */
  readonly literal: string | undefined;
}

/** Expressions that match only themselves, as nearly all are: names. */
const LITERAL = /^[A-Za-z0-9_ :;,@=%&~!'"<>/-]+$/;

/** The expression and the replacement of a "#!subst" line, or what is wrong with it. */
export interface SubstitutionParts {
  readonly what: string;
  readonly by: string;
  readonly fault?: string;
}

const BREAKS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** Maximum number of replacements in one string. */
const MAX_REPLACEMENTS = 1000;

/**
 * Maximum work for one file, a few seconds: each search of a string for a text, or with an expression, costs so many
 * units and one for some of its characters. A thousand names in 16,000 strings cost 80 million units.
 */
const MAX_WORK = 200_000_000;
const TEXT_SEARCH = 4;
const TEXT_CHARACTERS = 64;
const EXPRESSION_SEARCH = 100;
const NEW_EXPRESSION = 5000;
const CHARACTER = 5;

/** The "#!subst" lines of a file need too much work. */
export class TooMuchSubstitution extends Error {
  constructor() {
    super('#!subst: these lines, or the strings to which they apply, are too many');
  }
}

/** The "#!subst" lines of a file: what they replace in strings. */
export class Substitutions {
  private readonly list: Substitution[] = [];
  private work = 0;

  /**
   * Adds "/expression/replacement/flags", with any delimiter, as the argument of `directive`. Throws
   * TooMuchSubstitution.
   */
  add(directive: string, text: string): SubstitutionParts {
    const mark = text[0] ?? '';
    const [what = '', by = '', flags] = split(text, mark);
    const wrong = (fault: string): SubstitutionParts => ({ what, by, fault: `#!${directive}: ${fault}` });
    if (flags === undefined || mark.trim() === '') return wrong('"/what/by/" is expected');
    if (/[^gis]/.test(flags)) return wrong(`unknown flag after the last ${mark}`);
    if (what === '') return directive === 'subst' ? { what, by } : wrong('a name is missing');
    try {
      const literal = !flags.includes('i') && LITERAL.test(what) ? what : undefined;
      if (literal === undefined) this.count(NEW_EXPRESSION);
      const regex = literal === undefined ? compilePosix(what, { ignoreCase: flags.includes('i') }) : undefined;
      this.list.push({ regex, replacement: by, all: flags.includes('g'), literal });
    } catch (error) {
      if (error instanceof TooMuchSubstitution) throw error;
      return wrong((error as Error).message);
    }
    return { what, by };
  }

  /** Applies all of them to the content of a string. Throws TooMuchSubstitution. */
  apply(text: string): string {
    let result = text;
    for (const each of this.list) {
      const { literal } = each;
      if (literal !== undefined) {
        this.count(TEXT_SEARCH + Math.ceil(result.length / TEXT_CHARACTERS));
        if (!result.includes(literal)) continue;
      }
      result = this.replaced(result, each);
    }
    return result;
  }

  private replaced(text: string, { regex, literal, replacement, all }: Substitution): string {
    let result = '';
    let from = 0;
    for (let i = 0; i < MAX_REPLACEMENTS; i++) {
      if (regex !== undefined) this.count(EXPRESSION_SEARCH + (text.length - from) * CHARACTER);
      const match = regex === undefined ? textFound(text, literal ?? '', from) : regex.match(text, from);
      // As observed, an empty match is not replaced.
      if (match === undefined || match.end === match.start) break;
      this.count(TEXT_SEARCH + replacement.length * CHARACTER);
      const by = replacement.replace(/\\([0-9nrt])/g, (_whole, mark: string) => {
        const part = ownValue(BREAKS, mark) ?? match.groups[Number(mark)] ?? '';
        // Before the text is made: it may be longer than a string can be.
        this.count(part.length * CHARACTER);
        return part;
      });
      result += text.slice(from, match.start) + by;
      from = match.end;
      if (!all) break;
    }
    return result + text.slice(from);
  }

  private count(units: number): void {
    this.work += units;
    if (this.work > MAX_WORK) throw new TooMuchSubstitution();
  }
}

/** Where `what` stands in a text from `from` on. */
function textFound(text: string, what: string, from: number): RegexMatch | undefined {
  const start = text.indexOf(what, from);
  return start < 0 ? undefined : { start, end: start + what.length, groups: [what] };
}

/** Splits at the delimiter into three parts; one after a backslash belongs to its part. */
function split(text: string, mark: string): readonly string[] {
  const parts = [''];
  const append = (more: string): void => {
    parts[parts.length - 1] += more;
  };
  for (let i = 1; i < text.length; i++) {
    const c = text[i] as string;
    if (c === '\\' && i + 1 < text.length) {
      const next = text[++i] as string;
      append(next === mark ? mark : c + next);
    } else if (c === mark && parts.length < 3) parts.push('');
    else append(c);
  }
  return parts;
}
