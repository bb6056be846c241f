import { trimEnd, trimmed } from '../../core/characters.js';
import type { PvarContext, PvarMessage } from '../context.js';
import { eachOf, joined, pick, pickOf, plain, type TextReader, type VariableDefinition } from './definition.js';

/** Long names of the compact forms (RFC 3261 section 7.3.3 and later RFCs). */
export const COMPACT_FORMS: Readonly<Record<string, string>> = {
  v: 'via',
  f: 'from',
  t: 'to',
  i: 'call-id',
  m: 'contact',
  c: 'content-type',
  l: 'content-length',
  k: 'supported',
  e: 'content-encoding',
  s: 'subject',
  o: 'event',
  r: 'refer-to',
  b: 'referred-by',
  u: 'allow-events',
  x: 'session-expires',
};

/** Reads a header value: all text between colon and line end, folded lines unchanged. */
export interface HeaderReader {
  value(message: PvarMessage, name: string, index: number): string | undefined;
  count(message: PvarMessage, name: string): number;
  values(message: PvarMessage, name: string): Iterable<string>;
}

/**
 * Makes a reader of header fields by the rules of a program. `compact` has the letters that the program knows as
 * compact forms; any other letter is a name of its own, so that "s: x" is found as $hdr(s) but not as $hdr(Subject).
 */
export function headerReader(compact: string): HeaderReader {
  const longName = (name: string): string => {
    const lower = name.toLowerCase();
    return lower.length === 1 && compact.includes(lower) ? (COMPACT_FORMS[lower] ?? lower) : lower;
  };
  function* values(message: PvarMessage, name: string): Generator<string> {
    const wanted = longName(name);
    if (message.fields === undefined) {
      for (let i = 0; i < message.headerCount(wanted); i++) yield message.header(wanted, i) ?? '';
      return;
    }
    const { text } = message;
    for (const { line, nameEnd, value, end } of message.fields(wanted)) {
      if (longName(text.slice(line, nameEnd)) === wanted) yield trimEnd(text.slice(value, end));
    }
  }
  return {
    values,
    value(message, name, index) {
      let i = 0;
      for (const value of values(message, name)) if (i++ === index) return value;
      return undefined;
    },
    count(message, name) {
      let count = 0;
      for (const _ of values(message, name)) count++;
      return count;
    },
  };
}

const NAME = /^[A-Za-z0-9!%*_+`'~.-]{1,128}$/;

/** $hdr(name) and the number of such fields; "[*]" joins all of them by `joint`. */
export function headerVariables(
  reader: HeaderReader,
  joint: string,
  counts: readonly string[],
): [string, VariableDefinition][] {
  const hdr: VariableDefinition = {
    argument: 'required',
    indexed: true,
    compile(argument, index) {
      const name = argument as TextReader;
      const { constant } = name;
      if (constant !== undefined && !NAME.test(trimmed(constant))) throw new Error('needs the name of a header field');
      const nameIn =
        constant === undefined ? (context: PvarContext) => trimmed(name.read(context)) : () => trimmed(constant);
      const at = (context: PvarContext, i: number) => reader.value(context.message, nameIn(context), i) ?? null;
      const count = (context: PvarContext) => reader.count(context.message, nameIn(context));
      const all = eachOf(index, (context) => [...reader.values(context.message, nameIn(context))]);
      if (all === undefined) return { get: pick(index, count, at) };
      return {
        all,
        get: (context) => {
          const values = all(context);
          if (joint === ',') return joined(values, joint);
          return values.length === 0 ? null : values.join(joint);
        },
      };
    },
  };
  const counter: VariableDefinition = {
    argument: 'required',
    indexed: false,
    compile(argument) {
      const name = argument as TextReader;
      return { get: (context) => reader.count(context.message, trimmed(name.constant ?? name.read(context))) };
    },
  };
  return [['hdr', hdr], ...counts.map((name): [string, VariableDefinition] => [name, counter])];
}

function fieldNames({ message }: PvarContext): string[] {
  if (message.fields === undefined) return [];
  return Array.from(message.fields(), ({ line, nameEnd }) => message.text.slice(line, nameEnd));
}

/** $hdr_name: names of the header fields in order. */
export const headerName: VariableDefinition = {
  argument: 'none',
  indexed: true,
  compile(_argument, index) {
    return { get: pickOf(index, fieldNames), all: eachOf(index, fieldNames) };
  },
};

/** The body; null where there is none ($rb of OpenSIPS), or "" (Kamailio). */
export const bodyText = plain(({ message }) => message.body ?? '');
/** $bs: bytes of the body; 0 without one. */
export const bodyLength = plain(({ message }) => (message.body ?? '').length);
