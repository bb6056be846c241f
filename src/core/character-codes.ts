/** Codes of ASCII characters, for code that examines a text character by character. */

export const TAB = 9;
export const LINE_FEED = 10;
export const CARRIAGE_RETURN = 13;
export const SPACE = 32;
export const DOUBLE_QUOTE = 34;
export const HASH = 35;
export const DOLLAR = 36;
export const SINGLE_QUOTE = 39;
export const LEFT_PARENTHESIS = 40;
export const RIGHT_PARENTHESIS = 41;
export const COMMA = 44;
export const DOT = 46;
export const SLASH = 47;
export const LESS_THAN = 60;
export const GREATER_THAN = 62;
export const AT_SIGN = 64;
export const BACKSLASH = 92;
export const UNDERSCORE = 95;

/** Whether a code is that of a digit. */
export function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** Whether a code is that of an ASCII letter. */
export function isLetter(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90);
}
