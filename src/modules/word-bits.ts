import { trimmed } from '../core/characters.js';
/** The bits of a number, or of words separated by commas; undefined for an unknown word. */
export function wordBits(text: string, words: Readonly<Record<string, number>>): number | undefined {
  let bits = 0;
  for (const each of text.split(',')) {
    const word = trimmed(each);
    const bit = /^\d+$/.test(word) ? Number(word) : Object.hasOwn(words, word) ? words[word] : undefined;
    if (bit === undefined) return undefined;
    bits |= bit;
  }
  return bits;
}
