import { trimEnd, trimmed } from '../core/characters.js';
import { boundaryLines, boundaryOf, partsBetween } from '../core/multipart.js';
import type { MessageRun } from '../script/call.js';
import { code, type FunctionSpec, KAMAILIO, param, textOf } from './define.js';
import { kamailioFunction } from './kamailio-function.js';

/** Boundary that set_body_multipart() uses when the script gives none. */
const BOUNDARY = 'unique-boundary-1';

/** A part of a multipart body (RFC 2046 section 5.1), as offsets in the message. */
interface Part {
  /** Start of the boundary line before it. */
  readonly mark: number;
  /**
   * Its Content-Type; as recorded, "" when that has parameters. `typeLine` is the offset of its line, `afterType` that
   * of the next.
   */
  readonly type: string;
  readonly typeLine: number;
  readonly afterType: number;
  /** Start of the boundary line after it, and the offset after that line. */
  readonly end: number;
  readonly afterEnd: number;
}

interface Multipart {
  readonly boundary: string;
  readonly parts: readonly Part[];
  /** Start of the last boundary line, and whether it is written as a closing one. */
  readonly last: number;
  readonly closed: boolean;
}

function lineEnd(text: string, from: number, end: number): number {
  const feed = text.indexOf('\n', from);
  return feed < 0 || feed >= end ? end : feed + 1;
}

/** The parts of the body; undefined when it is not multipart. */
function multipart(run: MessageRun): Multipart | undefined {
  const { message } = run;
  const boundary = boundaryOf(message.header('content-type'));
  if (boundary === undefined || message.bodyEnd <= message.bodyStart) return undefined;
  const { text, bodyEnd } = message;
  const { starts, closed } = boundaryLines(text, `--${boundary}`, message.bodyStart, bodyEnd);
  const last = starts.at(-1);
  if (last === undefined) return undefined;
  const parts = partsBetween({ starts, closed }).map(
    ({ start, end }): Part => ({
      mark: start,
      ...typeIn(text, lineEnd(text, start, bodyEnd), end),
      end,
      afterEnd: lineEnd(text, end, bodyEnd),
    }),
  );
  return { boundary, parts, last, closed };
}

/** Finds Content-Type in the header lines of a part. */
function typeIn(text: string, from: number, end: number): Pick<Part, 'type' | 'typeLine' | 'afterType'> {
  for (let at = from; at < end; ) {
    const next = lineEnd(text, at, end);
    const line = trimEnd(text.slice(at, next));
    if (line === '') break;
    const colon = line.indexOf(':');
    if (trimmed(line.slice(0, colon)).toLowerCase() === 'content-type') {
      return {
        type: trimmed(line.slice(colon + 1)).toLowerCase(),
        typeLine: at,
        afterType: next,
      };
    }
    at = next;
  }
  return { type: '', typeLine: from, afterType: from };
}

function partOf(run: MessageRun, type: string): Part | undefined {
  const wanted = type.toLowerCase();
  return multipart(run)?.parts.find((each) => each.type === wanted);
}

/** The text of a part: what follows its Content-Type, or with `raw` the part with the boundary after it. */
function partText(run: MessageRun, type: string, raw: boolean): string | undefined {
  const { message } = run;
  if (message.bodyEnd <= message.bodyStart) return undefined;
  if (multipart(run) === undefined) return message.body;
  const part = partOf(run, type);
  if (part === undefined) return undefined;
  return raw ? message.text.slice(part.typeLine, part.afterEnd) : message.text.slice(part.afterType, part.end);
}

function filterBody(run: MessageRun, type: string): number {
  const part = partOf(run, type);
  if (part === undefined) return -1;
  const { message, edits } = run;
  let start = part.afterType;
  while (start < part.end && (message.text[start] === '\r' || message.text[start] === '\n')) start++;
  const end = message.text.startsWith('\r\n', part.end - 2) ? part.end - 2 : part.end;
  edits.remove(message.bodyStart, start);
  edits.remove(Math.max(start, end), message.bodyEnd);
  return 1;
}

function removeBodyPart(run: MessageRun, type: string): number {
  const part = partOf(run, type);
  if (part === undefined) return -1;
  run.edits.remove(part.mark, part.end);
  return 1;
}

function appendPart(run: MessageRun, body: string, type: string, disposition: string): number {
  const found = multipart(run);
  if (found === undefined) return -1;
  const more = disposition === '' ? '' : `Content-Disposition: ${disposition}\r\n`;
  const part = `Content-Type: ${type}\r\n${more}\r\n${body}\r\n`;
  const { boundary, last, closed } = found;
  if (closed) run.edits.insert(last, `--${boundary}\r\n${part}`);
  else {
    // set_body_multipart() writes no closing boundary, so that parts can be appended.
    run.edits.replace(last, run.message.bodyEnd, `--${boundary}\r\n${part}--${boundary}--\r\n`);
  }
  return 1;
}

/** Bytes from two hexadecimal digits each, which blanks may separate; undefined for other texts. */
function fromHex(text: string): string | undefined {
  const digits = text.replace(/[ \t\r\n]+/g, '');
  return /^(?:[0-9a-f]{2})+$/i.test(digits) ? Buffer.from(digits, 'hex').toString('latin1') : undefined;
}

function setMultipart(run: MessageRun, given: string, type: string, wanted: string): number {
  const { message, edits } = run;
  const there = message.bodyEnd > message.bodyStart;
  if (given !== '' ? type === '' : !there) return -1;
  const old = message.header('content-type');
  const already = boundaryOf(old) !== undefined;
  if (already && given === '') return 1;
  const contentType = given === '' ? (old ?? '') : type;
  if (contentType === '') return -1;
  const boundary = wanted === '' ? BOUNDARY : wanted;
  const body = given === '' ? message.body : given;
  edits.drop(({ start, end }) => start >= message.bodyStart && end <= message.bodyEnd);
  edits.replace(
    message.bodyStart,
    message.bodyEnd,
    `--${boundary}\r\nContent-Type: ${contentType}\r\n\r\n${body}\r\n--${boundary}\r\n`,
  );
  if (already) return 1;
  for (const field of message.fields('content-type')) edits.remove(field.line, field.next);
  edits.insert(message.headersEnd, `Content-Type: multipart/mixed;boundary="${boundary}"\r\nMime-Version: 1.0\r\n`);
  return 1;
}

/** Functions of Kamailio's textops on multipart bodies. */
export const multipartFunctions: FunctionSpec[] = [
  kamailioFunction('filter_body', 'type', 'keeps one part of a multipart body', (run, [type]) =>
    filterBody(run, textOf(type, run)),
  ),
  kamailioFunction('remove_body_part', 'type', 'removes a part of a multipart body', (run, [type]) =>
    removeBodyPart(run, textOf(type, run)),
  ),
  kamailioFunction(
    'append_body_part',
    'body type disposition?',
    'adds a part to a multipart body',
    (run, [body, type, disposition]) => appendPart(run, textOf(body, run), textOf(type, run), textOf(disposition, run)),
  ),
  kamailioFunction(
    'append_body_part_hex',
    'body type disposition?',
    'adds a part, given in hexadecimal, to a multipart body',
    (run, [body, type, disposition]) => {
      const bytes = fromHex(textOf(body, run));
      return bytes === undefined ? -1 : appendPart(run, bytes, textOf(type, run), textOf(disposition, run));
    },
  ),
  kamailioFunction(
    'set_body_multipart',
    'body? type? boundary?',
    'makes the body, or a text, the first part of a multipart body',
    (run, [body, type, boundary]) => setMultipart(run, textOf(body, run), textOf(type, run), textOf(boundary, run)),
  ),
  ...['get_body_part', 'get_body_part_raw'].map(
    (name): FunctionSpec => ({
      name,
      dialects: KAMAILIO,
      parameters: [param('type', 'string'), param('variable', 'writable')],
      summary: 'one part of a multipart body; the whole of any other body',
      compile:
        ([type, target]) =>
        (run) => {
          const text = partText(run, textOf(type, run), name.endsWith('raw'));
          if (text !== undefined) target?.variable?.assign(run.pvars, text);
          return code(text !== undefined);
        },
    }),
  ),
];
