/** A value as JSON knows it. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Nesting no configuration needs; it bounds the recursion. */
const MAX_DEPTH = 64;

/** Where and why a text is not JSON. Lines and columns count from 1. */
export class JsonSyntaxError extends Error {
  constructor(
    readonly line: number,
    readonly column: number,
    readonly reason: string,
  ) {
    super(`line ${line}, column ${column}: ${reason}`);
    this.name = 'JsonSyntaxError';
  }
}

/**
 * Parses JSON (RFC 8259) like JSON.parse, but says where a mistake is, and refuses a key that stands twice in an object:
 * JSON.parse drops the first one silently, which in a configuration hides a setting.
 *
 * Throws JsonSyntaxError.
 */
export function parseJson(text: string): Json {
  return new Parser(text).document();
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const WORD = /[A-Za-z_$][\w$]*/y;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

class Parser {
  private at: number;

  constructor(private readonly text: string) {
    this.at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  }

  document(): Json {
    const value = this.value(0);
    this.space();
    if (this.at < this.text.length) this.fail(`nothing may follow the value, but ${this.found()} does`);
    return value;
  }

  private value(depth: number): Json {
    this.space();
    const char = this.text[this.at];
    if (depth > MAX_DEPTH) this.fail(`nested more than ${MAX_DEPTH} levels deep`);
    if (char === '{') return this.object(depth);
    if (char === '[') return this.array(depth);
    if (char === '"') return this.string();
    const number = this.take(NUMBER);
    if (number !== '') {
      if (/[0-9.]/.test(this.text[this.at] ?? '')) this.fail('bad number');
      return Number(number);
    }
    const start = this.at;
    const word = this.take(WORD);
    if (word === 'true') return true;
    if (word === 'false') return false;
    if (word === 'null') return null;
    this.at = start;
    return this.fail(
      word === '' ? `a value is expected, not ${this.found()}` : `"${word}" needs quotes, or is no value`,
    );
  }

  private object(depth: number): { [key: string]: Json } {
    const object: { [key: string]: Json } = {};
    this.at++;
    this.space();
    if (this.skip('}')) return object;
    for (;;) {
      this.space();
      const start = this.at;
      if (this.text[this.at] !== '"') {
        if (this.text[this.at] === '}') this.fail('the comma before "}" is one too many');
        this.fail(`a key in quotes is expected, not ${this.found()}`);
      }
      const key = this.string();
      if (Object.hasOwn(object, key)) {
        this.at = start;
        this.fail(`key "${key}" stands twice in this object`);
      }
      this.space();
      if (!this.skip(':')) this.fail(`":" is expected after key "${key}", not ${this.found()}`);
      // defineProperty, because assigning to "__proto__" would not make a key of it.
      const value = this.value(depth + 1);
      Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
      this.space();
      if (this.skip('}')) return object;
      if (!this.skip(',')) this.fail(`"," or "}" is expected, not ${this.found()}`);
    }
  }

  private array(depth: number): Json[] {
    const array: Json[] = [];
    this.at++;
    this.space();
    if (this.skip(']')) return array;
    for (;;) {
      this.space();
      if (array.length > 0 && this.text[this.at] === ']') this.fail('the comma before "]" is one too many');
      array.push(this.value(depth + 1));
      this.space();
      if (this.skip(']')) return array;
      if (!this.skip(',')) this.fail(`"," or "]" is expected, not ${this.found()}`);
    }
  }

  private string(): string {
    const start = this.at++;
    let value = '';
    for (;;) {
      value += this.take(PLAIN);
      const char = this.text[this.at];
      if (char === '"') {
        this.at++;
        return value;
      }
      if (char === undefined || char === '\n' || char === '\r') {
        this.at = start;
        this.fail('this string is not closed on its line');
      }
      if (char !== '\\') this.fail('a control character in a string must be escaped');
      const mark = this.text[this.at + 1] ?? '';
      if (mark === 'u') {
        const hex = this.text.slice(this.at + 2, this.at + 6);
        if (!/^[0-9A-Fa-f]{4}$/.test(hex)) this.fail('four hexadecimal digits are expected after "\\u"');
        value += String.fromCharCode(Number.parseInt(hex, 16));
        this.at += 6;
      } else {
        const plain = Object.hasOwn(ESCAPES, mark) ? ESCAPES[mark] : undefined;
        if (plain === undefined) this.fail(`"\\${mark}" is no escape`);
        value += plain;
        this.at += 2;
      }
    }
  }

  private space(): void {
    while (/[ \t\r\n]/.test(this.text[this.at] ?? '')) this.at++;
    const two = this.text.slice(this.at, this.at + 2);
    if (two === '//' || two === '/*' || two[0] === '#') this.fail('JSON has no comments');
  }

  private skip(char: string): boolean {
    if (this.text[this.at] !== char) return false;
    this.at++;
    return true;
  }

  private take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const taken = pattern.exec(this.text)?.[0] ?? '';
    this.at += taken.length;
    return taken;
  }

  private found(): string {
    const char = this.text[this.at];
    return char === undefined ? 'the end of the file' : JSON.stringify(char);
  }

  private fail(reason: string): never {
    const before = this.text.slice(0, this.at).split(/\r\n|\n|\r/);
    throw new JsonSyntaxError(before.length, before.at(-1)!.length + 1, reason);
  }
}
