import type { Dialect } from '../dialect.js';
import type { Token } from './token.js';

/** The number of a word that is one, such as yes and off, where the dialect takes such words for values; undefined for any other. */
export function switchLiteral({ kind, text }: Token, { syntax }: Dialect): number | undefined {
  return syntax.switchLiterals && kind === 'word' ? syntax.switchWords(text) : undefined;
}
