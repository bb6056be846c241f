import type { Dialect } from '../dialect.js';
import type { Token } from './token.js';

/** The number of a word such as yes or off, in dialects where such words are values; undefined for other words. */
export function switchLiteral({ kind, text }: Token, { syntax }: Dialect): number | undefined {
  return syntax.switchLiterals && kind === 'word' ? syntax.switchWords(text) : undefined;
}
