import { ownValue } from '../../core/own-value.js';
import { type BoundedRegex, compilePosix } from '../../core/posix-regex.js';

interface Substitution {
  readonly regex: BoundedRegex;
  readonly replacement: string;
  readonly all: boolean;
  /** What a text must contain; undefined where the expression is not just a text. */
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

/** The "#!subst" lines of a file: what they replace in strings. */
export class Substitutions {
  private readonly list: Substitution[] = [];

  /** Adds "/expression/replacement/flags", with any delimiter, as the argument of `directive`. */
  add(directive: string, text: string): SubstitutionParts {
    const mark = text[0] ?? '';
    const [what = '', by = '', flags] = split(text, mark);
    const wrong = (fault: string): SubstitutionParts => ({ what, by, fault: `#!${directive}: ${fault}` });
    if (flags === undefined || mark.trim() === '') return wrong('"/what/by/" is expected');
    if (/[^gis]/.test(flags)) return wrong(`unknown flag after the last ${mark}`);
    if (what === '') return directive === 'subst' ? { what, by } : wrong('a name is missing');
    try {
      const regex = compilePosix(what, { ignoreCase: flags.includes('i') });
      const literal = !flags.includes('i') && LITERAL.test(what) ? what : undefined;
      this.list.push({ regex, replacement: by, all: flags.includes('g'), literal });
    } catch (error) {
      return wrong((error as Error).message);
    }
    return { what, by };
  }

  /** Applies all of them to the content of a string. */
  apply(text: string): string {
    let result = text;
    for (const each of this.list) {
      // A search for a text takes a hundredth of the time of an expression.
      if (each.literal === undefined || result.includes(each.literal)) result = replaced(result, each);
    }
    return result;
  }
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

function replaced(text: string, { regex, replacement, all }: Substitution): string {
  let result = '';
  let from = 0;
  for (let i = 0; i < MAX_REPLACEMENTS; i++) {
    const match = regex.match(text, from);
    // As observed, an empty match is not replaced.
    if (match === undefined || match.end === match.start) break;
    const by = replacement.replace(
      /\\([0-9nrt])/g,
      (_whole, mark: string) => ownValue(BREAKS, mark) ?? match.groups[Number(mark)] ?? '',
    );
    result += text.slice(from, match.start) + by;
    from = match.end;
    if (!all) break;
  }
  return result + text.slice(from);
}
