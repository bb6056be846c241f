/** A number as it is written out. */
export class JsonNumber {
  constructor(readonly text: string) {}

  /** Whether it has neither a fraction nor an exponent. */
  get isInteger(): boolean {
    return /^-?[0-9]+$/.test(this.text);
  }
}

/**
 * A JSON value with the texts of its numbers. Objects are Maps, so that they keep the order of their members and a name
 * that a peer sends never reaches a prototype. Strings are latin1, one code unit for each byte of UTF-8.
 */
export type JsonNode = null | boolean | string | JsonNumber | JsonNode[] | Map<string, JsonNode>;

/** Whether a value has values of its own. */
export function isContainer(value: JsonNode | undefined): value is JsonNode[] | Map<string, JsonNode> {
  return Array.isArray(value) || value instanceof Map;
}

/** How a library writes a document. */
export interface JsonStyle {
  /** After the opening and before the closing bracket of a container that is not empty. */
  readonly inside: string;
  /** Between the brackets of an empty one. */
  readonly empty: string;
  readonly comma: string;
  readonly colon: string;
  quoted(text: string): string;
}

/** A document as text. Recursive: readers bound the depth. */
export function jsonText(value: JsonNode, style: JsonStyle): string {
  const parts: string[] = [];
  write(value, style, parts);
  return parts.join('');
}

function write(value: JsonNode, style: JsonStyle, parts: string[]): void {
  if (!isContainer(value)) {
    parts.push(scalarText(value, style));
    return;
  }
  const isList = Array.isArray(value);
  const count = isList ? value.length : value.size;
  parts.push(isList ? '[' : '{', count === 0 ? style.empty : style.inside);
  let first = true;
  if (isList) {
    for (const each of value) {
      if (!first) parts.push(style.comma);
      first = false;
      write(each, style, parts);
    }
  } else {
    for (const [name, each] of value) {
      if (!first) parts.push(style.comma);
      first = false;
      parts.push(style.quoted(name), style.colon);
      write(each, style, parts);
    }
  }
  parts.push(count === 0 ? '' : style.inside, isList ? ']' : '}');
}

function scalarText(value: null | boolean | string | JsonNumber, style: JsonStyle): string {
  if (typeof value === 'string') return style.quoted(value);
  return value instanceof JsonNumber ? value.text : String(value);
}

const SHORT: ReadonlyMap<string, string> = new Map([
  ['\b', '\\b'],
  ['\t', '\\t'],
  ['\n', '\\n'],
  ['\f', '\\f'],
  ['\r', '\\r'],
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['/', '\\/'],
]);

/** A character that must be escaped; `upper`: with capital digits. */
export function escaped(character: string, upper: boolean): string {
  const short = SHORT.get(character);
  if (short !== undefined) return short;
  const digits = character.charCodeAt(0).toString(16).padStart(4, '0');
  return `\\u${upper ? digits.toUpperCase() : digits}`;
}
