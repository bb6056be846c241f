import { trimmed, trimStart } from '../core/characters.js';
import type { PvarContext } from './context.js';
import type { TextReader } from './variables/definition.js';

type Read = (context: PvarContext) => string;

/** Doubles each "$" that begins no variable, so that it is read as a literal "$". */
export function doubled(text: string): string {
  return text.replace(/\$\$|\$(?![A-Za-z0-9_(<?])/g, () => '$$');
}

/**
 * Splits arguments at commas outside parentheses and braces; the last argument keeps its commas. Surrounding blanks are
 * removed unless the argument has nothing else; for Kamailio only the leading ones.
 */
export function splitArguments(text: string, max: number, keepsBlanksAfter = false): string[] {
  const args: string[] = [];
  let start = 0;
  let depth = 0;
  for (let i = 0; i < text.length && args.length < max - 1; i++) {
    const c = text[i];
    if (c === '(' || c === '{') depth++;
    else if (c === ')' || c === '}') depth--;
    else if (c === ',' && depth <= 0) {
      args.push(text.slice(start, i));
      start = i + 1;
    }
  }
  args.push(text.slice(start));
  return args.map((arg) => {
    const bare = trimmed(arg);
    if (bare === '') return arg;
    return keepsBlanksAfter && !bare.startsWith('$') ? trimStart(arg) : bare;
  });
}

/**
 * Concatenates parts. Neighbouring constants are merged, and the most common combinations get a closure without a loop.
 */
export function concatenation(parts: readonly (string | ((context: PvarContext) => string))[]): TextReader {
  const merged: (string | ((context: PvarContext) => string))[] = [];
  for (const part of parts) {
    const last = merged.at(-1);
    if (typeof part === 'string' && typeof last === 'string') merged[merged.length - 1] = last + part;
    else merged.push(part);
  }
  if (merged.length === 0) return { constant: '', read: () => '' };
  const [a, b, c] = merged;
  if (merged.length === 1) {
    return typeof a === 'string' ? { constant: a, read: () => a } : { constant: undefined, read: a as Read };
  }
  if (merged.length === 2) {
    if (typeof a === 'string') return { constant: undefined, read: (context) => a + (b as Read)(context) };
    if (typeof b === 'string') return { constant: undefined, read: (context) => (a as Read)(context) + b };
  }
  if (merged.length === 3 && typeof b === 'string' && typeof a !== 'string') {
    return { constant: undefined, read: (context) => (a as Read)(context) + b + (c as Read)(context) };
  }
  return {
    constant: undefined,
    read: (context) => {
      let text = '';
      for (const part of merged) text += typeof part === 'string' ? part : part(context);
      return text;
    },
  };
}
