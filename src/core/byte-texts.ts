/** What stands for each of 256 bytes in a text; undefined for a byte that stays. */
export type ByteTexts = readonly (string | undefined)[];

/** A table for the characters that a class of a regular expression matches, such as /["\\]/. */
export function byteTexts(matched: RegExp, text: (code: number) => string): ByteTexts {
  return Array.from({ length: 256 }, (_, code) => (matched.test(String.fromCharCode(code)) ? text(code) : undefined));
}

/** The longest text of each table. */
const longest = new WeakMap<ByteTexts, number>();

function longestOf(table: ByteTexts): number {
  let length = longest.get(table);
  if (length === undefined) {
    length = Math.max(1, ...table.map((each) => each?.length ?? 0));
    longest.set(table, length);
  }
  return length;
}

/**
 * A text with its bytes replaced as a table says, in one pass: a callback for each match of an expression takes 10 ms
 * for 64 KB. Characters above 255 stay.
 */
export function withByteTexts(text: string, table: ByteTexts): string {
  const written = Buffer.allocUnsafe(text.length * longestOf(table));
  let at = 0;
  let from = 0;
  let start = '';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255) {
      // Not a byte: what is written so far is joined to it.
      start += written.toString('latin1', from, at) + text.charAt(i);
      from = at;
      continue;
    }
    const by = table[code];
    if (by === undefined) written[at++] = code;
    else for (let j = 0; j < by.length; j++) written[at++] = by.charCodeAt(j);
  }
  return start + written.toString('latin1', from, at);
}

/**
 * A text with its escapes read, in one pass. An escape begins with the character `mark` and has `length` characters;
 * `codeOf` gives the byte for the one that begins at an index, or undefined where there is none: then it stays.
 */
export function withoutEscapes(
  text: string,
  mark: string,
  length: number,
  codeOf: (text: string, at: number) => number | undefined,
): string {
  const first = mark.charCodeAt(0);
  const written = Buffer.allocUnsafe(text.length);
  let at = 0;
  let from = 0;
  let start = '';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255) {
      start += written.toString('latin1', from, at) + text.charAt(i);
      from = at;
      continue;
    }
    const decoded = code === first ? codeOf(text, i) : undefined;
    written[at++] = decoded ?? code;
    if (decoded !== undefined) i += length - 1;
  }
  return start + written.toString('latin1', from, at);
}
