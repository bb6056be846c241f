import { trimmed } from './characters.js';

/** Words of settings, commands and cfg files that mean on and off, in lower case. */
export const SWITCH_WORDS: ReadonlyMap<string, boolean> = new Map([
  ...['yes', 'on', 'true', 'enable'].map((word) => [word, true] as const),
  ...['no', 'off', 'false', 'disable'].map((word) => [word, false] as const),
]);

/**
 * Whether a text is one of these words, of whatever letter case, "y", "n", "1" or "0", and means on; undefined for any
 * other.
 */
export function switchOf(text: string): boolean | undefined {
  const word = trimmed(text).toLowerCase();
  if (word === '1' || word === 'y') return true;
  if (word === '0' || word === 'n') return false;
  return SWITCH_WORDS.get(word);
}
