import type { Terminal } from './io.js';

const CODES = { red: 31, green: 32, yellow: 33, blue: 34, cyan: 36, dim: 2, bold: 1 } as const;

/** Styles of text on a terminal. */
export type Style = keyof typeof CODES;

/** Returns a function that colours a text if the terminal wants colours. */
export function colored(terminal: Terminal | undefined): (style: Style, text: string) => string {
  if (terminal?.color !== true) return (_, text) => text;
  return (style, text) => (text === '' ? text : `\x1b[${CODES[style]}m${text}\x1b[0m`);
}
