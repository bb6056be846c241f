import { MiError } from './command.js';
import type { TextParam } from './parameters.js';

/** A request in the line text form (OpenSIPS 2.1): ":command:" or ":command:reply", then one parameter per line. */
export interface TextRequest {
  readonly command: string;
  readonly params: readonly TextParam[];
}

/** Maximum number of lines of a command. */
const MAX_TEXT_PARAMS = 256;

/** The answer to a datagram with an unknown command, or not in the form ":command:\n" (recorded). */
export const TEXT_NOT_AVAILABLE = '500 command not available\n';

/**
 * Parses a datagram ":command:\n[param\n]*". It ends where the datagram ends; an empty line is an empty parameter, and
 * a lone "." is a parameter too (recorded). Undefined when the first line has no second colon, or text after it.
 */
export function parseTextDatagram(text: string): TextRequest | undefined {
  const head = /^:([^:\r\n]+):\n/.exec(text);
  if (head === null) return undefined;
  return { command: head[1] as string, params: parseParams(text.slice(head[0].length)) };
}

/** Parses the parameter lines: removes leading blanks and quotes, and splits "name::value". */
export function parseParams(body: string): readonly TextParam[] {
  if (body === '') return [];
  const lines = body.split('\n', MAX_TEXT_PARAMS + 2);
  if (lines.at(-1) === '') lines.pop();
  if (lines.length > MAX_TEXT_PARAMS) throw new MiError(400, 'Too few or too many arguments');
  return lines.map(parseParam);
}

const NAMED = /^([A-Za-z_][A-Za-z0-9_]*)::/;

function parseParam(line: string): TextParam {
  const text = line.replace(/^[ \t]+/, '').replace(/\r$/, '');
  const named = NAMED.exec(text);
  if (named === null) return { name: undefined, value: unquote(text) };
  return { name: named[1], value: unquote(text.slice(named[0].length).replace(/^[ \t]+/, '')) };
}

function unquote(text: string): string {
  // No regular expression, since one ending in "[ \t]+$" takes quadratic time.
  let end = text.length;
  while (end > 0 && (text[end - 1] === ' ' || text[end - 1] === '\t')) end--;
  const trimmed = text.slice(0, end);
  if (trimmed.length < 2 || !trimmed.startsWith('"') || !trimmed.endsWith('"')) return text;
  return trimmed.slice(1, -1).replace(/\\(["\\])/g, '$1');
}

/** A success answer: "200 OK", the tree, and on a FIFO an empty line. */
export function renderTextReply(tree: string | readonly string[], fifo: boolean): readonly string[] {
  const tail = fifo ? '\n' : '';
  return typeof tree === 'string' ? [`200 OK\n${tree}${tail}`] : ['200 OK\n', ...tree, tail];
}

/**
 * An error such as "404 destination not found". Its texts, as recorded, differ from the JSON form for wrong parameters.
 */
export function renderTextError(error: MiError, fifo: boolean): string {
  return `${textCode(error)}\n${fifo ? '\n' : ''}`;
}

function textCode(error: MiError): string {
  if (error.code === -32602) {
    return error.data?.startsWith('Bad type') ? '400 Bad parameter' : '400 Too few or too many arguments';
  }
  if (error.code === 400 && error.message === 'Bad parameter value') return '400 Bad parameter';
  if (error.code < 0) return `500 ${error.message}`;
  return `${error.code} ${error.message.replace(/[\r\n]+/g, ' ')}`;
}

/** The answer to an unknown command on a FIFO: it contains the name, and no empty line follows (recorded). */
export function renderUnknownFifoCommand(command: string): string {
  return `500 command '${command}' not available\n`;
}
