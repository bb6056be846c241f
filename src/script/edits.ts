import type { MessageEditor } from '../route/functions/site.js';
import type { TextEdit } from '../sip/reply.js';
import type { SipSocket } from '../sip/transport/transport.js';

/**
 * Changes to one message, applied when it is sent. Edits may overlap: text that one edit has deleted is not deleted
 * again.
 */
export class MessageEdits implements MessageEditor {
  private edits: TextEdit[] = [];
  private shared = false;
  /** Whether an edit depends on the socket that sends the message. */
  private bySocket = false;
  /** Total length of the inserted texts. */
  private size = 0;

  /** The edits in the order they were made. */
  get list(): readonly TextEdit[] {
    return this.edits;
  }

  /** Whether there are no edits. */
  get empty(): boolean {
    return this.edits.length === 0;
  }

  insert(at: number, text: string): undefined {
    this.add({ start: at, end: at, text });
  }

  /** Deletes a span. Always true: as in the originals, deleting the same text twice counts as done. */
  remove(start: number, end: number): boolean {
    this.add({ start, end, text: '' });
    return true;
  }

  /** Always undefined: as in the originals, a cfg file may delete any field. */
  keeps(_name: string): undefined {
    return undefined;
  }

  /** Replaces the text from `start` up to `end`, both offsets in the message. */
  replace(start: number, end: number, text: string): void {
    this.add({ start, end, text });
  }

  /**
   * Replaces texts of a body, in the order of their positions and without overlap. Edits of a body see it as received,
   * so that two of one span would leave both texts beside each other: an earlier replacement within the span gives way
   * to this one, and one that goes beyond the span stays without this one. Text inserted before or after the span
   * stays.
   */
  replaceInBody(replacements: readonly TextEdit[]): void {
    const first = replacements[0]?.start ?? 0;
    const last = replacements.at(-1)?.end ?? 0;
    const earlier = this.edits.filter((each) => each.end > each.start && each.start < last && each.end > first);
    earlier.sort((a, b) => a.start - b.start);
    const given = new Set<TextEdit>();
    const made: TextEdit[] = [];
    let next = 0;
    // The end of the earlier replacements before `next`.
    let reached = 0;
    for (const each of replacements) {
      const within: TextEdit[] = [];
      for (; (earlier[next]?.start ?? Number.POSITIVE_INFINITY) < each.start; next++)
        reached = Math.max(reached, earlier[next]?.end ?? 0);
      const goesBeyond = reached > each.start;
      for (; (earlier[next]?.start ?? Number.POSITIVE_INFINITY) < each.end; next++) {
        within.push(earlier[next] as TextEdit);
        reached = Math.max(reached, earlier[next]?.end ?? 0);
      }
      if (each.end > each.start && (goesBeyond || reached > each.end)) continue;
      for (const one of within) given.add(one);
      made.push(each);
    }
    if (given.size > 0) this.drop((each) => given.has(each));
    for (const each of made) this.add(each);
  }

  /** Adds an edit; it is ignored when there are too many edits or too much inserted text already. */
  add(edit: TextEdit): void {
    if (this.edits.length >= MAX_EDITS || this.size + edit.text.length > MAX_TEXT) return;
    if (this.shared) this.edits = this.edits.slice();
    this.shared = false;
    this.edits.push(edit);
    if (edit.leaving !== undefined) this.bySocket = true;
    this.size += edit.text.length;
  }

  /** The edits for a message that a socket sends. */
  leavingBy(socket: SipSocket): readonly TextEdit[] {
    if (!this.bySocket) return this.edits;
    return this.edits.map((each) => (each.leaving === undefined ? each : { ...each, text: each.leaving(socket) }));
  }

  /** The edits of a part of the message. */
  within(start: number, end: number): readonly TextEdit[] {
    return this.edits.filter((each) => each.start >= start && each.end <= end);
  }

  /** Removes the edits for which `unwanted` returns true. */
  drop(unwanted: (edit: TextEdit) => boolean): void {
    this.edits = this.edits.filter((each) => !unwanted(each));
    this.shared = false;
    this.size = this.edits.reduce((sum, each) => sum + each.text.length, 0);
  }

  /** Removes all edits. */
  clear(): void {
    this.edits = [];
    this.shared = false;
    this.bySocket = false;
    this.size = 0;
  }

  /** A copy that can be changed independently. */
  copy(): MessageEdits {
    const copy = new MessageEdits();
    copy.edits = this.edits;
    copy.size = this.size;
    copy.bySocket = this.bySocket;
    copy.shared = this.shared = true;
    return copy;
  }
}

/** Maximum number of edits of one message, so that a loop in a script does not fill the memory. */
const MAX_EDITS = 4096;
/** Maximum length of the texts inserted into one message: a loop may insert a peer's text many times. */
const MAX_TEXT = 1 << 20;

/**
 * The text from offset `from` on, with the edits applied in the order of their positions; edits at one position are
 * applied in the order they were made. Text that two edits delete is deleted once. Edits before `from`, in the first
 * line, have no effect, as in the originals.
 */
export function applied(text: string, from: number, edits: readonly TextEdit[]): string {
  if (edits.length === 0) return from === 0 ? text : text.slice(from);
  const sorted = edits.length === 1 ? edits : [...edits].sort(byPosition);
  let out = '';
  let at = from;
  for (const { start, end, text: added } of sorted) {
    if (start < from) continue;
    if (start > at) {
      out += text.slice(at, start);
      at = start;
    }
    out += added;
    if (end > at) at = end;
  }
  return out + text.slice(at);
}

/** By how many characters the edits change the length of the text; text that several edits delete counts once. */
export function lengthChange(edits: readonly TextEdit[]): number {
  let change = 0;
  let at = 0;
  for (const { start, end, text } of edits.length === 1 ? edits : [...edits].sort(byPosition)) {
    change += text.length - Math.max(0, end - Math.max(start, at));
    at = Math.max(at, end);
  }
  return change;
}

/** At one position insertions come before deletions. */
function byPosition(a: TextEdit, b: TextEdit): number {
  return a.start - b.start || Number(a.end > a.start) - Number(b.end > b.start);
}
