import { trimmed } from '../core/characters.js';
import { boundaryLines, boundaryOf, mediaType, partsBetween } from '../core/multipart.js';
import type { MessageRun } from '../script/call.js';
import type { SipMessage } from '../sip/message.js';
import { code, type FunctionSpec, OPENSIPS, optional, param, textOf } from './define.js';

interface Part {
  readonly type: string;
  /** Span from the boundary line before the part to the one after it. */
  readonly start: number;
  readonly end: number;
}

function typeOf(headers: string): string {
  const value = /^content-type[ \t]*:[ \t]*([^;\r\n]*)/im.exec(headers)?.[1] ?? '';
  return trimmed(value).toLowerCase();
}

/** Content-Type of the whole body, without parameters. */
function bodyType(run: MessageRun): string {
  return mediaType(run.message.header('content-type') ?? '');
}

/** The parts of a multipart body; undefined for any other body. */
function partsOf(run: MessageRun): Part[] | undefined {
  const { message } = run;
  const boundary = boundaryOf(message.header('content-type'));
  if (boundary === undefined) return undefined;
  const { body, bodyStart } = message;
  return partsBetween(boundaryLines(body, `--${boundary}`)).map(({ start, end }) => {
    const head = body.slice(start, end).split(/\r?\n\r?\n/, 1)[0] ?? '';
    return { type: typeOf(head), start: bodyStart + start, end: bodyStart + end };
  });
}

/**
 * The first part of a multipart body whose Content-Type is application/sdp, from its first line to the next boundary
 * line or, as recorded, the end of the body; undefined where there is none. A boundary counts at the beginning of a
 * line only.
 */
export function sdpPart(message: SipMessage): { readonly start: number; readonly end: number } | undefined {
  const boundary = boundaryOf(message.header('content-type'));
  if (boundary === undefined) return undefined;
  const { text, bodyStart, bodyEnd } = message;
  const mark = `\n--${boundary}`;
  // The line feed before the body is that of the empty line.
  const { starts, closed } = boundaryLines(text, mark, bodyStart - 1, bodyEnd);
  for (const [i, start] of (closed ? starts.slice(0, -1) : starts).entries()) {
    const next = starts[i + 1];
    const end = next === undefined ? bodyEnd : next + 1;
    const part = text.slice(start + 1, end);
    const empty = /\n\r?\n/.exec(part);
    if (empty !== null && typeOf(part.slice(0, empty.index)) === 'application/sdp')
      return { start: start + 1 + empty.index + empty[0].length, end };
  }
  return undefined;
}

function removeWhole(run: MessageRun): void {
  const { message, edits } = run;
  edits.drop((edit) => edit.start >= message.bodyStart);
  edits.remove(message.bodyStart, message.bodyEnd);
  for (const field of message.fields('content-type')) edits.remove(field.line, field.next);
}

/** Removes the body, or its parts of a type; with `others` the parts of all other types. */
function removeParts(run: MessageRun, type: string | undefined, others: boolean): number {
  const { message } = run;
  if (message.bodyEnd <= message.bodyStart) return -1;
  const fits = (each: string): boolean => type === undefined || (each === type.toLowerCase()) !== others;
  const parts = partsOf(run);
  if (parts === undefined) {
    if (!fits(bodyType(run))) return -1;
    removeWhole(run);
    return 1;
  }
  const going = parts.filter((each) => fits(each.type));
  if (going.length === 0) return -1;
  if (going.length === parts.length) removeWhole(run);
  else for (const { start, end } of going) run.edits.remove(start, end);
  return 1;
}

const BOUNDARY = 'switchyard-part';

/** Adds a part: as the body when there is none, else as a further part of a multipart body. */
function addPart(run: MessageRun, body: string, type: string, headers: string): number {
  const { message, edits } = run;
  const lines = headers === '' || headers.endsWith('\r\n') ? headers : `${headers}\r\n`;
  if (message.bodyEnd <= message.bodyStart) {
    edits.insert(message.headersEnd, `Content-Type: ${type}\r\n${lines}`);
    edits.insert(message.bodyStart, body);
    return 1;
  }
  const part = `Content-Type: ${type}\r\n${lines}\r\n${body}\r\n`;
  const contentType = message.header('content-type') ?? 'application/sdp';
  const boundary = boundaryOf(contentType);
  if (boundary !== undefined) {
    const end = message.body.lastIndexOf(`--${boundary}--`);
    if (end < 0) return -1;
    edits.insert(message.bodyStart + end, `--${boundary}\r\n${part}`);
    return 1;
  }
  for (const field of message.fields('content-type')) edits.remove(field.line, field.next);
  edits.insert(message.headersEnd, `Content-Type: multipart/mixed;boundary=${BOUNDARY}\r\n`);
  edits.insert(message.bodyStart, `--${BOUNDARY}\r\nContent-Type: ${contentType}\r\n\r\n`);
  edits.insert(message.bodyEnd, `\r\n--${BOUNDARY}\r\n${part}--${BOUNDARY}--\r\n`);
  return 1;
}

/** Names that these functions have in OpenSIPS 1.x and 2.1. */
const oldNames: readonly FunctionSpec[] = [
  {
    name: 'strip_body',
    dialects: OPENSIPS,
    until: 2,
    parameters: [optional('type', 'string')],
    summary: 'removes the body, or its parts of a type',
    compile:
      ([type]) =>
      (run) =>
        removeParts(run, type === undefined ? undefined : textOf(type, run), false),
  },
  {
    name: 'filter_body',
    dialects: OPENSIPS,
    until: 2,
    parameters: [param('type', 'string')],
    summary: 'removes all parts of the body except those of a type',
    compile:
      ([type]) =>
      (run) =>
        removeParts(run, textOf(type, run), true),
  },
  {
    name: 'add_body',
    dialects: OPENSIPS,
    until: 2,
    parameters: [param('body', 'string'), optional('type', 'string')],
    summary: 'adds a body, or a part to the body',
    compile:
      ([body, type]) =>
      (run) =>
        addPart(run, textOf(body, run), textOf(type, run, 'text/plain'), ''),
  },
];

/** A body part without its header. */
function withoutHead(part: string): string {
  const head = /\r?\n\r?\n/.exec(part);
  return head === null ? part : part.slice(head.index + head[0].length);
}

/** Functions of sipmsgops on the parts of a body. */
export const bodyPartFunctions: FunctionSpec[] = [
  ...oldNames,
  {
    name: 'remove_body_part',
    dialects: OPENSIPS,
    parameters: [optional('type', 'string'), optional('others', 'string')],
    routes: ['request', 'failure', 'onreply', 'branch', 'local'],
    summary: 'removes the body, its parts of a type, or all parts except those',
    compile:
      ([type, others]) =>
      (run) =>
        removeParts(run, type === undefined ? undefined : textOf(type, run), !/^0?$/.test(textOf(others, run))),
  },
  {
    name: 'add_body_part',
    dialects: OPENSIPS,
    parameters: [param('body', 'string'), param('type', 'string'), optional('headers', 'string')],
    routes: ['request', 'failure', 'onreply', 'branch', 'local'],
    summary: 'adds a part to the body',
    compile:
      ([body, type, headers]) =>
      (run) =>
        addPart(run, textOf(body, run), textOf(type, run), textOf(headers, run)),
  },
  {
    name: 'get_updated_body_part',
    dialects: OPENSIPS,
    parameters: [optional('type', 'string'), param('result', 'writable')],
    summary: 'the received body, or its part of a type',
    compile:
      ([type, result]) =>
      (run) => {
        const wanted = textOf(type, run).toLowerCase();
        const { message } = run;
        const part = partsOf(run)?.find((each) => wanted === '' || each.type === wanted);
        const whole = message.text.slice(part?.start ?? message.bodyStart, part?.end ?? message.bodyEnd);
        if (part === undefined && wanted !== '' && wanted !== bodyType(run)) return -1;
        const text = part === undefined ? whole : withoutHead(whole);
        result?.variable?.assign(run.pvars, text);
        return code(text !== '');
      },
  },
];
