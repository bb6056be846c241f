/** Codes of ASCII characters, for code that examines a text character by character. */
export const CHARACTERS = {
  tab: 9,
  lineFeed: 10,
  carriageReturn: 13,
  space: 32,
  doubleQuote: 34,
  hash: 35,
  dollar: 36,
  singleQuote: 39,
  leftParenthesis: 40,
  rightParenthesis: 41,
  comma: 44,
  dot: 46,
  slash: 47,
  lessThan: 60,
  greaterThan: 62,
  atSign: 64,
  backslash: 92,
  underscore: 95,
} as const;

/** Whether a code is that of a digit. */
export function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** Whether a code is that of an ASCII letter. */
export function isLetter(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90);
}
