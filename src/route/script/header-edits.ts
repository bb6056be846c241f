import { trimEnd, trimmed } from '../../core/characters.js';
import type { SipMessage } from '../../sip/message.js';
import type { TextEdit } from '../../sip/reply.js';
import type { MessageEditor } from '../functions/site.js';
import { wireText } from './arguments.js';

/** Header fields that a proxy needs: removing one, or adding a second one, would break the transaction. */
const KEPT = new Set([
  'via',
  'v',
  'from',
  'f',
  'to',
  't',
  'call-id',
  'i',
  'cseq',
  'max-forwards',
  'content-length',
  'l',
]);
/** Maximum number of bytes of header fields that a script may add to one message. */
const MAX_ADDED = 16_384;

/** Text as header lines, each with its line break. */
export function headerLines(text: string): string {
  const lines = wireText(text).replace(/\r?\n/g, '\r\n');
  return lines.endsWith('\r\n') ? lines : `${lines}\r\n`;
}

/**
 * Header lines for a request that a script or a command sends, without white space at their end; '' for none. `fault`:
 * why they cannot be added.
 */
export function linesToAdd(text: string): { readonly lines: string; readonly fault: string | undefined } {
  const given = trimEnd(text);
  const lines = trimmed(given) === '' ? '' : headerLines(given);
  return { lines, fault: lines === '' ? undefined : additionFault(lines) };
}

/** Why these lines (as `headerLines` returns them) cannot be added to a message; undefined where they can. */
export function additionFault(lines: string): string | undefined {
  for (const [i, line] of lines.slice(0, -2).split('\r\n').entries()) {
    const name = /^([!-9;-~]+)[ \t]*:/.exec(line)?.[1];
    if (name === undefined && (i === 0 || !/^[ \t]+[^ \t\r\n]/.test(line))) return 'not a header line';
    if (name !== undefined && KEPT.has(name.toLowerCase())) return `header ${name} cannot be added`;
    if (/[\x00\r]/.test(line)) return 'a control character in a header line';
  }
  return undefined;
}

/** Why fields with this name cannot be removed from a message; undefined where they can. */
export function removalFault(name: string): string | undefined {
  return KEPT.has(trimmed(name).toLowerCase()) ? `header ${name} cannot be removed` : undefined;
}

/** The changes that a script makes to the header fields of one message; they are written when the message is sent. */
export class HeaderEdits implements MessageEditor {
  private added = 0;

  constructor(
    private readonly message: SipMessage,
    private edits: readonly TextEdit[] = [],
  ) {}

  /** The edits in the order they were made. */
  get list(): readonly TextEdit[] {
    return this.edits;
  }

  /** A copy that can be changed independently. */
  copy(): HeaderEdits {
    const copy = new HeaderEdits(this.message, this.edits);
    copy.added = this.added;
    return copy;
  }

  /** Adds edits made elsewhere, such as Route values that loose routing removes. */
  include(edits: readonly TextEdit[]): void {
    if (edits.length > 0)
      this.edits = [...this.edits.filter((each) => !edits.some((by) => covers(by, each))), ...edits];
  }

  /**
   * Inserts complete header lines. Returns why they are refused: for example, a line break in a value from a caller
   * would make another header field.
   */
  insert(at: number, text: string): string | undefined {
    const lines = headerLines(text);
    const fault = additionFault(lines);
    if (fault !== undefined) return fault;
    if (this.added + lines.length > MAX_ADDED) return `more than ${MAX_ADDED} bytes of header fields added`;
    this.added += lines.length;
    this.edits = [...this.edits, { start: at, end: at, text: lines }];
    return undefined;
  }

  remove(start: number, end: number): boolean {
    const edit = { start, end, text: '' };
    if (this.edits.some((each) => covers(each, edit))) return false;
    this.include([edit]);
    return true;
  }

  keeps(name: string): string | undefined {
    return removalFault(name);
  }
}

function covers(outer: TextEdit, inner: TextEdit): boolean {
  return inner.start >= outer.start && inner.end <= outer.end && outer.end > outer.start;
}
