/** Deepest nesting accepted. */
export const MAX_JSON_DEPTH = 64;

const QUOTE = 34;
const BACKSLASH = 92;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

/**
 * Finds the end of the first JSON object or array in a text. It examines each character once, even if the text arrives
 * in pieces. It only follows strings and brackets; JSON.parse checks the rest.
 */
export class JsonScanner {
  private position: number;
  private depth = 0;
  private inString = false;
  /** Whether the next character is escaped by a backslash. */
  private escaped = false;

  /** `start`: index of the opening brace or bracket. */
  constructor(start = 0) {
    this.position = start;
  }

  /** Index of the first character not examined yet. */
  get scanned(): number {
    return this.position;
  }

  /** The text was shortened at its beginning by so many characters. */
  shift(by: number): void {
    this.position -= by;
  }

  /**
   * Returns the index after the value's last character (or byte, of a text in UTF-8 or latin1); -1 when it does not end
   * before `length` (default: the whole text); -2 when it is nested too deeply.
   */
  scan(text: string | Uint8Array, length = text.length): number {
    while (this.position < length) {
      const at = this.position++;
      const code = typeof text === 'string' ? text.charCodeAt(at) : (text[at] as number);
      if (this.inString) {
        if (this.escaped) this.escaped = false;
        else if (code === BACKSLASH) this.escaped = true;
        else if (code === QUOTE) this.inString = false;
        continue;
      }
      switch (code) {
        case QUOTE:
          this.inString = true;
          break;
        case OPEN_BRACE:
        case OPEN_BRACKET:
          if (++this.depth > MAX_JSON_DEPTH) return -2;
          break;
        case CLOSE_BRACE:
        case CLOSE_BRACKET:
          if (--this.depth <= 0) return this.position;
          break;
      }
    }
    return -1;
  }
}

/**
 * Parses the first JSON object or array of `text` and ignores the rest (as recorded); undefined when there is none or
 * it is malformed. Skips leading white space.
 */
export function parseFirstJson(text: string): { readonly value: unknown } | undefined {
  let start = 0;
  while (start < text.length && text.charCodeAt(start) <= 32) start++;
  const first = text.charCodeAt(start);
  if (first !== OPEN_BRACE && first !== OPEN_BRACKET) return undefined;
  const end = new JsonScanner(start).scan(text);
  if (end < 0) return undefined;
  try {
    return { value: JSON.parse(text.slice(start, end)) as unknown };
  } catch {
    return undefined;
  }
}
