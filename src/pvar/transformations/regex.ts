import { trimmed } from '../../core/characters.js';
import { type BoundedRegex, compilePosix } from '../../core/posix-regex.js';
import type { PvarContext } from '../context.js';
import type { TextReader } from '../variables/definition.js';
import type { TransformationDefinition } from './definition.js';

/** Maximum number of matches that one substitution replaces. */
const MAX_MATCHES = 10_000;
/** Maximum length of a result. */
const MAX_TEXT = 65_536;

interface Substitution {
  readonly regex: BoundedRegex;
  readonly replacement: string;
  readonly all: boolean;
}

/**
 * Parses "/expression/replacement/flags" with any delimiter; "\" before the delimiter makes it literal. Throws an Error
 * with the reason.
 */
export function parseSubstitution(text: string): Substitution {
  const mark = text[0];
  if (mark === undefined || /[A-Za-z0-9\\ \t\r\n]/.test(mark)) throw new Error('needs "/expression/replacement/flags"');
  const parts: string[] = [''];
  for (let i = 1; i < text.length; i++) {
    const c = text[i] as string;
    if (c === '\\' && text[i + 1] === mark) {
      parts[parts.length - 1] += mark;
      i++;
    } else if (c === '\\' && i + 1 < text.length) {
      parts[parts.length - 1] += c + (text[++i] as string);
    } else if (c === mark) parts.push('');
    else parts[parts.length - 1] += c;
  }
  const [what = '', by, flags, more] = parts;
  if (by === undefined || flags === undefined || more !== undefined || !/^[gis]*$/.test(trimmed(flags))) {
    throw new Error(`needs "${mark}expression${mark}replacement${mark}flags"`);
  }
  const regex = compilePosix(what, { ignoreCase: flags.includes('i'), lines: flags.includes('s') });
  return { regex, replacement: by, all: flags.includes('g') };
}

/**
 * Replaces matches. In the replacement "\0" to "\9" are the match and its groups; "\n" and the like are the escapes of
 * C.
 */
export function substituted(text: string, substitution: Substitution): string {
  return replaced(text, substitution, false) ?? text;
}

/** The same, but undefined where a match is empty and `noEmpty` is set. */
function replaced(text: string, { regex, replacement, all }: Substitution, noEmpty = false): string | undefined {
  const by = replacementParts(replacement);
  let result = '';
  let from = 0;
  for (let count = 0; count < MAX_MATCHES && from <= text.length; count++) {
    const match = regex.match(text, from);
    if (match === undefined) break;
    if (noEmpty && match.end === match.start) return undefined;
    if (match.start > from) result += text.slice(from, match.start);
    for (const part of by) result += typeof part === 'string' ? part : (match.groups[part] ?? '');
    from = match.end;
    if (result.length > MAX_TEXT) return result.slice(0, MAX_TEXT);
    if (match.end === match.start) {
      result += text.slice(from, from + 1);
      from++;
    }
    if (!all) break;
  }
  return result + text.slice(from);
}

/** A replacement as texts and numbers of groups. */
function replacementParts(replacement: string): readonly (string | number)[] {
  return replacement
    .split(/(\\[0-9nrt\\&])/)
    .filter((part) => part !== '')
    .map((part) => {
      const [mark, c] = part;
      if (mark !== '\\' || c === undefined || !/^[0-9nrt\\&]$/.test(c) || part.length !== 2) return part;
      if (c >= '0' && c <= '9') return Number(c);
      return { n: '\n', r: '\r', t: '\t' }[c] ?? c;
    });
}

/** {re.subst,/expression/replacement/flags}: compiled at load unless it contains variables. */
export const regexSubstitution: TransformationDefinition = substitution(false);

/** The same, but as recorded of Kamailio without a value where the expression matches an empty text. */
export const matchingSubstitution: TransformationDefinition = substitution(true);

function substitution(noEmpty: boolean): TransformationDefinition {
  return {
    least: 1,
    max: 1,
    make(args) {
      const text = args[0] as TextReader;
      const constant = text.constant === undefined ? undefined : parseSubstitution(text.constant);
      const kept = new Map<string, Substitution | undefined>();
      const computed = (context: PvarContext): Substitution | undefined => {
        const source = text.read(context);
        if (kept.has(source)) return kept.get(source);
        let parsed: Substitution | undefined;
        try {
          parsed = parseSubstitution(source);
        } catch {
          parsed = undefined;
        }
        if (kept.size >= 64) kept.clear();
        kept.set(source, parsed);
        return parsed;
      };
      return (value, context) => {
        const substitution = constant ?? computed(context);
        return substitution === undefined ? null : (replaced(String(value), substitution, noEmpty) ?? null);
      };
    },
  };
}
