import { type BoundedRegex, compilePosix } from '../core/posix-regex.js';
import type { MessageRun } from '../script/call.js';

/** A compiled "/pattern/replacement/flags". */
export interface Substitution {
  readonly regex: BoundedRegex;
  readonly all: boolean;
  replacement(groups: readonly (string | undefined)[], run: MessageRun): string;
}

type Piece = string | number | { readonly format: (run: MessageRun) => string };

/**
 * Compiles a substitution. Any character may be used instead of "/". Flags: i ignores letter case, g replaces all
 * matches, s makes "^" and "$" match at the ends of the text only. `format` compiles the variables in the replacement.
 * Throws an Error with the reason.
 */
export function parseSubstitution(
  text: string,
  lines: boolean,
  format: (text: string) => ((run: MessageRun) => string) | undefined,
): Substitution {
  const mark = text.charAt(0);
  if (mark === '' || mark === '\\') throw new Error(`"${text}" is not a substitution`);
  const parts: string[] = [''];
  let i = 1;
  for (; i < text.length && parts.length < 3; i++) {
    const c = text.charAt(i);
    if (c === '\\' && text.charAt(i + 1) === mark) {
      parts[parts.length - 1] += mark;
      i++;
    } else if (c === '\\') {
      parts[parts.length - 1] += c + text.charAt(++i);
    } else if (c === mark) parts.push('');
    else parts[parts.length - 1] += c;
  }
  if (parts.length < 3) throw new Error(`"${text}" has no end`);
  const flags = text.slice(i);
  const unknown = /[^igs]/.exec(flags)?.[0];
  if (unknown !== undefined) throw new Error(`"${text}" has an unknown flag ${unknown}`);
  const [pattern = '', replacement = ''] = parts;
  const regex = compilePosix(pattern, { ignoreCase: flags.includes('i'), lines: lines && !flags.includes('s') });
  const pieces = readPieces(replacement, format);
  return {
    regex,
    all: flags.includes('g'),
    replacement: (groups, run) =>
      pieces
        .map((each) =>
          typeof each === 'string' ? each : typeof each === 'number' ? (groups[each] ?? '') : each.format(run),
        )
        .join(''),
  };
}

function readPieces(text: string, format: (text: string) => ((run: MessageRun) => string) | undefined): Piece[] {
  const pieces: Piece[] = [];
  let plain = '';
  const flush = (): void => {
    if (plain === '') return;
    const reader = plain.includes('$') ? format(plain) : undefined;
    pieces.push(reader === undefined ? plain : { format: reader });
    plain = '';
  };
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    if (c !== '\\') {
      plain += c;
      continue;
    }
    const next = text.charAt(++i);
    if (/[0-9]/.test(next)) {
      flush();
      pieces.push(Number(next));
    } else plain += next === 'n' ? '\n' : next === 'r' ? '\r' : next === 't' ? '\t' : next;
  }
  flush();
  return pieces;
}

/** Maximum number of replacements of one substitution. */
const MAX_REPLACED = 256;

/** The text after the substitution; undefined when nothing matches. */
export function substituted(s: Substitution, text: string, run: MessageRun): string | undefined {
  let out = '';
  let at = 0;
  let found = 0;
  while (at <= text.length && found < MAX_REPLACED) {
    const match = s.regex.match(text, at);
    if (match === undefined) break;
    // As recorded, Kamailio replaces nothing when the match is empty.
    if (match.end === match.start && run.env.dialect === 'kamailio') break;
    found++;
    out += text.slice(at, match.start) + s.replacement(match.groups, run);
    if (match.end === match.start) out += text.slice(match.end, match.end + 1);
    at = match.end === match.start ? match.end + 1 : match.end;
    if (!s.all) break;
  }
  return found === 0 ? undefined : out + text.slice(at);
}

/** Replaces text of the message; in its body no two replacements of one text are left. */
export function replaceText({ edits, message }: MessageRun, start: number, end: number, text: string): void {
  if (start >= message.bodyStart) edits.replaceInBody([{ start, end, text }]);
  else edits.replace(start, end, text);
}

/** Applies a substitution to a part of the message as edits. Returns the number of replacements. */
export function editBySubstitution(s: Substitution, run: MessageRun, from: number, to: number): number {
  const text = run.message.text.slice(from, to);
  let at = 0;
  let found = 0;
  while (at <= text.length && found < MAX_REPLACED) {
    const match = s.regex.match(text, at);
    if (match === undefined) break;
    // As recorded, Kamailio replaces nothing when the match is empty.
    if (match.end === match.start && run.env.dialect === 'kamailio') break;
    found++;
    replaceText(run, from + match.start, from + match.end, s.replacement(match.groups, run));
    at = match.end === match.start ? match.end + 1 : match.end;
    if (!s.all) break;
  }
  return found;
}
