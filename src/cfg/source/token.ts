import type { Position } from '../ast.js';

/**
 * "word": a name, a number with letters, an address. "int": a number. "string": a quoted text, escapes replaced.
 * "variable": from "$" to its end. "punctuation": an operator or bracket. "end": end of the file.
 */
export type TokenKind = 'word' | 'int' | 'string' | 'variable' | 'punctuation' | 'end';

/** A token. */
export interface Token {
  readonly kind: TokenKind;
  /** As written; for a string its content. */
  readonly text: string;
  /** The number, for kind "int". */
  readonly value: number;
  /** The kind of quotes, for kind "string". */
  readonly quote: '"' | "'" | undefined;
  readonly at: Position;
  /** Whether no blank or comment separates this token from the one before. */
  readonly adjacent: boolean;
  /** Whether the token comes from the value of a define. */
  readonly defined: boolean;
}

/**
 * Parses a 32-bit integer as scripts write it: decimal, octal with a leading zero, or hexadecimal; wrapped. Undefined
 * for other texts.
 */
export function integerLiteral(text: string): number | undefined {
  if (/^0[xX][0-9A-Fa-f]{1,16}$/.test(text)) return Number(BigInt.asIntN(32, BigInt(text)));
  if (/^0[0-7]{1,22}$/.test(text)) return Number(BigInt.asIntN(32, BigInt(`0o${text.slice(1)}`)));
  if (/^(?:0|[1-9][0-9]{0,19})$/.test(text)) return Number(BigInt.asIntN(32, BigInt(text)));
  return undefined;
}

const SIMPLE: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  a: '\x07',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

/**
 * The content of a string in double quotes: escapes are replaced, unknown ones kept, and a backslash before a line end
 * joins lines. An octal escape has at least two digits: "\1" is a group of a substitution.
 */
export function unescapeString(raw: string): string {
  if (!raw.includes('\\')) return raw;
  return raw.replace(
    /\\(?:\r?\n|x([0-9A-Fa-f]{1,2})|([0-7]{2,3})|([\s\S]))/g,
    (whole, hex?: string, octal?: string, letter?: string) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
      if (letter === undefined) return '';
      return SIMPLE[letter] ?? whole;
    },
  );
}
