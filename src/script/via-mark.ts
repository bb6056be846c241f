import type { TextEdit } from '../sip/reply.js';
import type { Via } from '../sip/via.js';

/**
 * A mark is a parameter that topology hiding (topoh, topos) puts into Via fields of messages inside this process. It
 * says in which direction the message goes and what has been hidden in it. A mark is never sent: it is removed or
 * encrypted before. The originals have a parameter of the same name at the same position.
 *
 * Syntax: "d" or "u" in a received request: it comes from the side that began the dialog (downstream) or from the
 * other. A digit after it: number of our Record-Route values; written into our Via and the one below. "r" before that:
 * a reply. After a dot: number of Record-Route values that were hidden when the request came. After a hyphen: name of
 * the dialog, where one is kept (topos).
 */
export interface ViaMark {
  readonly reply: boolean;
  readonly direction: 'd' | 'u';
  /** Number of Record-Route values of this proxy. */
  readonly own: number;
  /** In a reply: number of Record-Route values of the side that began the transaction. */
  readonly before: number;
  /** Name of the dialog (letters and digits); undefined where none is kept. */
  readonly dialog?: string | undefined;
}

/** In requests of these methods, and their replies, nothing is hidden: their Contact is their subject. */
export const UNHIDDEN_METHODS: ReadonlySet<string> = new Set(['REGISTER', 'PUBLISH']);

/** First characters of a mark. */
export const MARK_PARAMETER = ';TH=';

/** A mark as text, with its semicolon. */
export function viaMark({ reply, direction, own, before, dialog }: ViaMark): string {
  const kept = dialog === undefined ? '' : `-${dialog}`;
  return `${MARK_PARAMETER}${reply ? 'r' : ''}${direction}${own}${reply ? `.${before}` : ''}${kept}`;
}

/** Edit that inserts a mark after the sent-by of a Via value, where the originals put theirs. */
export function markAt(text: string, via: Pick<Via, 'start' | 'end'>, mark: ViaMark): TextEdit {
  const semi = text.indexOf(';', via.start);
  const at = semi < 0 || semi > via.end ? via.end : semi;
  return { start: at, end: at, text: viaMark(mark) };
}

/** Span of the mark in a Via value, including its semicolon. */
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
