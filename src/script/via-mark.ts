import type { TextEdit } from '../sip/reply.js';
import type { Via } from '../sip/via.js';

/**
 * A parameter that topology hiding puts into Via fields inside this process, where the original puts one of the same name: the message
 * says by it in which direction it goes and what of it is hidden. It never leaves: it is taken out, or encrypted, when a message is sent.
 *
 * "d" and "u": a request as it was received, from the side that began the dialog (downstream) or from the other. A digit after it: the
 * number of our Record-Route values, in the Via of ours and in the one below. "r" before that: a reply; after a dot the number of
 * Record-Route values that were hidden when it came; after a hyphen the dialog, where that is kept (topos).
 */
export interface ViaMark {
  readonly reply: boolean;
  readonly direction: 'd' | 'u';
  /** Record-Route values of this proxy. */
  readonly own: number;
  /** Record-Route values of the side that began the transaction, in a reply. */
  readonly before: number;
  /** Name of the dialog, of letters and digits; undefined where none is kept. */
  readonly dialog?: string | undefined;
}

/** Requests of these methods, and their replies, hide nothing: their Contact is what they are about. */
export const UNTOUCHED: ReadonlySet<string> = new Set(['REGISTER', 'PUBLISH']);

/** How a mark begins. */
export const MARK_PARAMETER = ';TH=';

/** The text of a mark, with its semicolon. */
export function viaMark({ reply, direction, own, before, dialog }: ViaMark): string {
  const kept = dialog === undefined ? '' : `-${dialog}`;
  return `${MARK_PARAMETER}${reply ? 'r' : ''}${direction}${own}${reply ? `.${before}` : ''}${kept}`;
}

/** A mark after the sent-by of a Via value, where the original puts its own. */
export function markAt(text: string, via: Pick<Via, 'start' | 'end'>, mark: ViaMark): TextEdit {
  const semi = text.indexOf(';', via.start);
  const at = semi < 0 || semi > via.end ? via.end : semi;
  return { start: at, end: at, text: viaMark(mark) };
}

/** Where the mark of a Via value stands, from its semicolon on. */
export function markSpan(text: string, via: Pick<Via, 'start' | 'end'>): { start: number; end: number } | undefined {
  const start = text.indexOf(MARK_PARAMETER, via.start);
  if (start < 0 || start >= via.end) return undefined;
  let end = text.indexOf(';', start + 1);
  if (end < 0 || end > via.end) end = via.end;
  return { start, end };
}

/** The mark of a Via value; undefined where there is none. */
export function markOf(text: string, via: Pick<Via, 'start' | 'end'>): ViaMark | undefined {
  const span = markSpan(text, via);
  const found = span === undefined ? null : MARK.exec(text.slice(span.start, span.end));
  if (found === null) return undefined;
  const [, reply, direction, own, before = '0', dialog] = found;
  return {
    reply: reply === 'r',
    direction: direction === 'u' ? 'u' : 'd',
    own: Number(own),
    before: Number(before),
    dialog,
  };
}

const MARK = /^;TH=(r?)([du])([0-9]{1,2})(?:\.([0-9]{1,3}))?(?:-([0-9A-Za-z]{1,40}))?$/;
