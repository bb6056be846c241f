import { isUtf8 } from 'node:buffer';
import { isContainer, type JsonNode } from './document.js';

/** Maximum length of a text: more than a datagram or an answer over HTTP that a script should search. */
const MAX_LENGTH = 1_048_576;
/** Maximum number of values in a text. */
const MAX_VALUES = 100_000;

/** What a library accepts where it differs from others. */
export interface JsonGrammar {
  /** Maximum depth of containers. */
  readonly depth: number;
  /** Comments, a comma before a closing bracket, single quotes, control characters in strings, and text after the value. */
  readonly lenient: boolean;
  /**
   * The value that begins at `at`, which is neither a string nor a container, where it ends, and as how many values it
   * counts (default 1); undefined: none.
   */
  scalar(text: string, at: number): readonly [value: JsonNode, end: number, weight?: number] | undefined;
  /** A pair of surrogates or one of them as a code point; undefined: refused. */
  unpaired(code: number): number | undefined;
  /** Adds a member; false: a second one of that name is refused. */
  add(object: Map<string, JsonNode>, name: string, value: JsonNode): boolean;
}

/** The text is not JSON, or passes a limit. */
class NotJson extends Error {}

/**
 * Reads a JSON text; undefined: it is not JSON, or is larger or deeper than the limits. Takes time proportional to the
 * text, and no stack for its depth.
 */
export function readJson(text: string, grammar: JsonGrammar): JsonNode | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  if (!grammar.lenient && !isUtf8(Buffer.from(text, 'latin1'))) return undefined;
  try {
    return new Reader(text, grammar).read();
  } catch (error) {
    if (error instanceof NotJson) return undefined;
    throw error;
  }
}

class Reader {
  private at = 0;
  private count = 0;
  /** Containers that are open, and the name of the next member of each. */
  private readonly open: { readonly container: JsonNode[] | Map<string, JsonNode>; name: string }[] = [];

  constructor(
    private readonly text: string,
    private readonly grammar: JsonGrammar,
  ) {}

  read(): JsonNode {
    for (;;) {
      let value = this.begin();
      // A container that has begun and is not empty: its first value comes next.
      if (value === undefined) continue;
      for (;;) {
        const top = this.open.at(-1);
        if (top === undefined) return this.ended(value);
        if (Array.isArray(top.container)) top.container.push(value);
        else if (!this.grammar.add(top.container, top.name, value)) throw new NotJson();
        if (!this.closes(top.container)) break;
        value = top.container;
        this.open.pop();
      }
    }
  }

  /** Reads a scalar or an empty container; opens another one and returns undefined. */
  private begin(): JsonNode | undefined {
    if (++this.count > MAX_VALUES) throw new NotJson();
    this.skip();
    const character = this.text[this.at];
    if (character === '"' || (character === "'" && this.grammar.lenient)) {
      if (this.open.length === 0) throw new NotJson();
      return this.string();
    }
    if (character !== '{' && character !== '[') {
      const found = this.open.length === 0 ? undefined : this.grammar.scalar(this.text, this.at);
      if (found === undefined) throw new NotJson();
      this.at = found[1];
      this.count += (found[2] ?? 1) - 1;
      return found[0];
    }
    if (this.open.length >= this.grammar.depth) throw new NotJson();
    this.at++;
    this.skip();
    const container: JsonNode = character === '[' ? [] : new Map<string, JsonNode>();
    if (this.takes(character === '[' ? ']' : '}')) return container;
    this.open.push({ container, name: character === '[' ? '' : this.name() });
    return undefined;
  }

  /** After a value: whether the container ends here; else the next value, or name and value, must follow. */
  private closes(container: JsonNode[] | Map<string, JsonNode>): boolean {
    const isList = Array.isArray(container);
    this.skip();
    if (this.takes(isList ? ']' : '}')) return true;
    if (!this.takes(',')) throw new NotJson();
    this.skip();
    if (this.grammar.lenient && this.takes(isList ? ']' : '}')) return true;
    const top = this.open.at(-1);
    if (!isList && top !== undefined) top.name = this.name();
    return false;
  }

  /** The whole value, which must be a container. */
  private ended(value: JsonNode): JsonNode {
    if (!isContainer(value)) throw new NotJson();
    if (!this.grammar.lenient) {
      this.skip();
      if (this.at < this.text.length) throw new NotJson();
    }
    return value;
  }

  private name(): string {
    const name = this.string();
    this.skip();
    if (!this.takes(':')) throw new NotJson();
    return name;
  }

  private takes(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  /** Skips white space, and comments where they are accepted. */
  private skip(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) {
        this.at++;
        continue;
      }
      if (code !== 0x2f || !this.grammar.lenient) return;
      const line = this.text[this.at + 1] === '/';
      const end = line || this.text[this.at + 1] === '*' ? this.text.indexOf(line ? '\n' : '*/', this.at + 2) : -1;
      if (end === -1) throw new NotJson();
      this.at = end + (line ? 1 : 2);
    }
  }

  private string(): string {
    const { text, grammar } = this;
    const quote = text.charCodeAt(this.at);
    if (quote !== 0x22 && !(quote === 0x27 && grammar.lenient)) throw new NotJson();
    let before = '';
    let start = ++this.at;
    for (;;) {
      const code = text.charCodeAt(this.at);
      if (code === quote) return before + text.slice(start, this.at++);
      if (Number.isNaN(code) || (code < 0x20 && !grammar.lenient)) throw new NotJson();
      if (code !== 0x5c) {
        this.at++;
        continue;
      }
      if (start < this.at) before += text.slice(start, this.at);
      before += this.escape();
      start = this.at;
    }
  }

  /** The character of an escape sequence, in UTF-8. */
  private escape(): string {
    const letter = this.text[this.at + 1] ?? '';
    if (letter !== 'u') {
      const found = ESCAPES.get(letter);
      if (found === undefined) throw new NotJson();
      this.at += 2;
      return found;
    }
    const first = this.digits();
    let code: number | undefined = first;
    if (first >= 0xd800 && first < 0xe000) {
      code = undefined;
      if (first < 0xdc00 && this.text.startsWith('\\u', this.at)) {
        const before = this.at;
        const second = this.digits();
        if (second >= 0xdc00 && second < 0xe000) code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        else this.at = before;
      }
    }
    if (code === undefined || code === 0) code = this.grammar.unpaired(code ?? first);
    if (code === undefined) throw new NotJson();
    return Buffer.from(String.fromCodePoint(code), 'utf8').toString('latin1');
  }

  /** The number of "\uXXXX". */
  private digits(): number {
    const digits = this.text.slice(this.at + 2, this.at + 6);
    if (!/^[0-9a-f]{4}$/i.test(digits)) throw new NotJson();
    this.at += 6;
    return Number.parseInt(digits, 16);
  }
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['b', '\b'],
  ['t', '\t'],
  ['n', '\n'],
  ['f', '\f'],
  ['r', '\r'],
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
]);
