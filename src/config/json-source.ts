import { findNodeAtLocation, type ParseErrorCode, parseTree, printParseErrorCode, visit } from 'jsonc-parser';

/** A JSON value. */
export type Json = null | boolean | number | string | Json[] | JsonObject;

/** A JSON object. */
export type JsonObject = { [key: string]: Json };

/** Deepest nesting allowed, which bounds the recursion. */
const MAX_DEPTH = 64;

/** Where and why a text is not JSON. Lines and columns are counted from 1. */
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
 * Parses JSON (RFC 8259) with comments ("//" and "/ * * /"), and reports the position of a mistake. Refuses a key that
 * occurs twice in an object: JSON.parse silently drops the first one, which in a configuration hides a setting.
 * Throws JsonSyntaxError.
 */
export function parseJson(text: string): Json {
  const source = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  const builder = new Builder();
  visit(
    source,
    {
      onObjectBegin: (_offset, _length, line, column) => builder.open({}, line, column),
      onObjectProperty: (key, _offset, _length, line, column) => builder.name(key, line, column),
      onObjectEnd: () => builder.close(),
      onArrayBegin: (_offset, _length, line, column) => builder.open([], line, column),
      onArrayEnd: () => builder.close(),
      onLiteralValue: (value: Json) => builder.add(value),
      onSeparator: (character) => builder.separator(character),
      onError: (code, offset, length, line, column) => {
        const found = source.slice(offset, offset + length);
        throw new JsonSyntaxError(line + 1, column + 1, builder.reason(code, found));
      },
    },
    { disallowComments: false, allowTrailingComma: false, allowEmptyContent: false },
  );
  return builder.root;
}

/** Line and column, from 1, of the value at a JSON pointer; undefined when the text has none there. */
export function positionOf(text: string, pointer: string): { line: number; column: number } | undefined {
  const root = parseTree(text);
  const keys = pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  // For a missing value, the position of the nearest value around it.
  for (let depth = keys.length; root !== undefined && depth >= 0; depth--) {
    let node: typeof root | undefined = root;
    for (const key of keys.slice(0, depth)) {
      node = node && findNodeAtLocation(node, [node.type === 'array' ? Number(key) : key]);
    }
    if (node === undefined) continue;
    const start = node.parent?.type === 'property' ? node.parent.offset : node.offset;
    const before = text.slice(0, start).split('\n');
    return { line: before.length, column: (before.at(-1) as string).length + 1 };
  }
  return undefined;
}

type Container = Json[] | { [key: string]: Json };

/** Builds the value from what the parser reports. */
class Builder {
  root: Json = null;
  private readonly around: Container[] = [];
  private readonly keys: string[] = [];
  /** The last separator or start of a container, for messages. */
  private last = '';

  open(container: Container, line: number, column: number): void {
    if (this.around.length > MAX_DEPTH) {
      throw new JsonSyntaxError(line + 1, column + 1, `nested more than ${MAX_DEPTH} levels deep`);
    }
    this.add(container);
    this.around.push(container);
    this.last = '';
  }

  name(key: string, line: number, column: number): void {
    const object = this.around.at(-1) as { [key: string]: Json };
    if (Object.hasOwn(object, key)) {
      throw new JsonSyntaxError(line + 1, column + 1, `key "${key}" occurs twice in this object`);
    }
    this.keys.push(key);
    this.last = key;
  }

  add(value: Json): void {
    const around = this.around.at(-1);
    if (around === undefined) this.root = value;
    else if (Array.isArray(around)) around.push(value);
    // An assignment to "__proto__" would not create a key.
    else {
      const key = this.keys.pop() as string;
      Object.defineProperty(around, key, { value, enumerable: true, writable: true, configurable: true });
    }
    this.last = '';
  }

  separator(character: string): void {
    if (character === ',') this.last = ',';
  }

  close(): void {
    this.around.pop();
    this.last = '';
  }

  /** The parser's error in words. */
  reason(code: ParseErrorCode, found: string): string {
    const what = described(found);
    const trailing = this.last === ',' && (found === '}' || found === ']');
    switch (printParseErrorCode(code)) {
      case 'PropertyNameExpected':
        return trailing ? `unexpected comma before "${found}"` : `a key in quotes is expected, not ${what}`;
      case 'ValueExpected':
        return trailing ? `unexpected comma before "${found}"` : `a value is expected, not ${what}`;
      case 'ColonExpected':
        return `":" is expected after key "${this.last}", not ${what}`;
      case 'CommaExpected':
        return `a comma or the end of the ${Array.isArray(this.around.at(-1)) ? 'list' : 'object'} is expected, not ${what}`;
      case 'CloseBraceExpected':
        return 'an object is not closed: "}" is missing';
      case 'CloseBracketExpected':
        return 'a list is not closed: "]" is missing';
      case 'EndOfFileExpected':
        return `nothing is expected after the value, but found ${what}`;
      case 'UnexpectedEndOfComment':
        return 'this comment is not closed';
      case 'UnexpectedEndOfString':
        return 'this string is not closed on its line';
      case 'InvalidCharacter':
        return 'a control character in a string must be escaped';
      case 'InvalidUnicode':
        return 'four hexadecimal digits are expected after "\\u"';
      case 'InvalidEscapeCharacter':
        return 'a string holds a bad escape';
      case 'UnexpectedEndOfNumber':
      case 'InvalidNumberFormat':
        return 'bad number';
      default:
        if (found.startsWith("'")) return 'a string needs double quotes';
        return /^[A-Za-z_$]/.test(found) ? `${what} needs quotes, or is not a value` : `${what} is not a value`;
    }
  }
}

/** Written by people who know another format, and never a password. */
const USUAL_WORD = /^(?:true|false|null|yes|no|on|off|none|nil|undefined|nan|infinity)$/i;

/**
 * What stands where something else is expected. Values are not shown: one may be a password whose quotes or comma are
 * missing.
 */
function described(found: string): string {
  if (found === '') return 'the end of the file';
  if (/^[{}[\]:,]$/.test(found) || USUAL_WORD.test(found)) return JSON.stringify(found);
  if (/^["']/.test(found)) return 'a string';
  if (/^[-0-9]/.test(found)) return 'a number';
  return /^[A-Za-z_$]/.test(found) ? 'a word' : 'other text';
}
