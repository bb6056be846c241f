import type { SipMessage } from '../../sip/message.js';
import type { TextEdit } from '../../sip/reply.js';
import { wireText } from './arguments.js';

/** Header fields a proxy depends on: a script that takes one away or adds a second breaks the transaction. */
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
/** Bytes of header fields a script may add to one message. */
const MOST_ADDED = 16_384;

/** What a script changes in the header fields of one message; nothing is written before the message leaves. */
export class HeaderEdits {
  private added = 0;

  constructor(
    private readonly message: SipMessage,
    private edits: readonly TextEdit[] = [],
  ) {}

  get list(): readonly TextEdit[] {
    return this.edits;
  }

  copy(): HeaderEdits {
    const copy = new HeaderEdits(this.message, this.edits);
    copy.added = this.added;
    return copy;
  }

  /** Takes over edits made elsewhere: Route values taken out by loose routing. */
  include(edits: readonly TextEdit[]): void {
    if (edits.length > 0)
      this.edits = [...this.edits.filter((each) => !edits.some((by) => covers(by, each))), ...edits];
  }

  /**
   * Appends complete header lines. Returns why not when they would not be header lines any more, as with a line break in
   * a value that a caller chose.
   */
  append(text: string): string | undefined {
    let lines = wireText(text).replace(/\r?\n/g, '\r\n');
    if (!lines.endsWith('\r\n')) lines += '\r\n';
    for (const [i, line] of lines.slice(0, -2).split('\r\n').entries()) {
      const name = /^([!-9;-~]+)[ \t]*:/.exec(line)?.[1];
      if (name === undefined && (i === 0 || !/^[ \t]+\S/.test(line))) return 'not a header line';
      if (name !== undefined && KEPT.has(name.toLowerCase())) return `header ${name} cannot be added`;
      if (/[\x00\r]/.test(line)) return 'a control character in a header line';
    }
    if (this.added + lines.length > MOST_ADDED) return `more than ${MOST_ADDED} bytes of header fields added`;
    this.added += lines.length;
    const end = this.message.headersEnd;
    this.edits = [...this.edits, { start: end, end, text: lines }];
    return undefined;
  }

  /** Removes all fields of a name. Returns how many there were; a text says why it is not done. */
  remove(name: string): number | string {
    if (KEPT.has(name.trim().toLowerCase())) return `header ${name} cannot be removed`;
    const gone: TextEdit[] = [];
    for (const field of this.message.fields(name.trim())) {
      const edit = { start: field.line, end: field.next, text: '' };
      if (!this.edits.some((each) => covers(each, edit))) gone.push(edit);
    }
    this.include(gone);
    return gone.length;
  }
}

function covers(outer: TextEdit, inner: TextEdit): boolean {
  return inner.start >= outer.start && inner.end <= outer.end && outer.end > outer.start;
}
