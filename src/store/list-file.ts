import type { RawRow } from './rows.js';

/** Longest line in characters. */
const MAX_LINE = 16_384;
const SET_ID = /^[0-9]+/;
const DECIMAL = /^[0-9]+/;
const NUMBER = /^(?:0[xX][0-9a-fA-F]{1,8}|[0-9]+)/;

/** A parsed line of a list file, or what is wrong with it. Undefined for an empty line. */
export type ListLine = { readonly row: RawRow } | { readonly problem: string } | undefined;

/**
 * Parses a line of Kamailio's list file, `setid destination [flags [priority [attrs]]] [# comment]`, as Kamailio does
 * (recorded from 5.6.3): the set ID may be missing (0) or come right before the destination; "#" ends a destination;
 * flags and priority end where their digits end, the rest of that word is the attributes, and words after them are
 * ignored. Flags may be hexadecimal, as in 6.x. Text is latin1, one code unit for each byte. `strict`: flags are
 * decimal, and numbers that are too large wrap, as in 5.6.
 */
export function parseListLine(line: string, strict = false): ListLine {
  const text = line.trim();
  if (text === '' || text.startsWith('#')) return undefined;
  if (text.length > MAX_LINE) return { problem: `longer than ${MAX_LINE} characters` };
  const { setid, destination, flags, priority, attrs } = cut(text, strict);
  if (destination === '') return { problem: 'no destination after the set id' };
  return {
    row: {
      setid: number(setid, strict),
      destination: wire(destination),
      // The sign is not one of the flag bits.
      flags: strict ? number(flags, true) & 0x7fffffff : number(flags, false),
      priority: number(priority, strict),
      attrs: wire(attrs),
      description: '',
    },
  };
}

/** The text after the last used word of a line; '' if there is nothing or a comment. */
export function superfluous(line: string): string {
  const text = line.trim();
  if (text === '' || text.startsWith('#')) return '';
  const { rest } = cut(text, false);
  return rest.startsWith('#') ? '' : rest;
}

/** Splits a line into its words, and the text after them. */
function cut(text: string, strict: boolean) {
  const cursor = new Cursor(text);
  const word = (pattern: RegExp): string => {
    const taken = cursor.take(pattern);
    cursor.skipSpace();
    return taken;
  };
  const setid = word(SET_ID);
  const destination = word(/^[^\s#]+/);
  const flags = word(strict ? DECIMAL : NUMBER);
  const priority = word(DECIMAL);
  const attrs = word(/^[^\s#]\S*/);
  return { setid, destination, flags, priority, attrs, rest: cursor.rest };
}

function number(digits: string, wraps: boolean): number {
  if (digits === '') return 0;
  return wraps ? Number(BigInt.asIntN(32, BigInt(digits))) : Number(digits);
}

/** Returns bytes, since the reader of rows takes text as UTF-8. */
function wire(text: string): string | Buffer {
  return /[^\x00-\x7f]/.test(text) ? Buffer.from(text, 'latin1') : text;
}

/** Bytes that Kamailio reads at a time, including a line feed. */
const RECORDED_PIECE = 1023;

/** The lines of a file. `strict`: longer lines are split, as in Kamailio. */
export function listLines(text: string, strict: boolean): string[] {
  const lines = text.split('\n');
  if (!strict) return lines;
  return lines.flatMap((line) => {
    if (line.length < RECORDED_PIECE) return [line];
    const pieces: string[] = [];
    for (let at = 0; at < line.length; at += RECORDED_PIECE) pieces.push(line.slice(at, at + RECORDED_PIECE));
    return pieces;
  });
}

class Cursor {
  private at = 0;

  constructor(private readonly text: string) {}

  get rest(): string {
    return this.text.slice(this.at);
  }

  skipSpace(): void {
    while (this.at < this.text.length && /\s/.test(this.text.charAt(this.at))) this.at++;
  }

  /** Removes and returns what the pattern (which begins with "^") matches here; '' for nothing. */
  take(pattern: RegExp): string {
    const found = pattern.exec(this.text.slice(this.at))?.[0] ?? '';
    this.at += found.length;
    return found;
  }
}
