import type { MessageEditor } from '../route/functions/site.js';
import type { TextEdit } from '../sip/reply.js';

/**
 * Changes to one message that are applied when it is sent. They may overlap: text already deleted is not deleted again.
 */
export class MessageEdits implements MessageEditor {
  private edits: TextEdit[] = [];
  private shared = false;
  /** Characters that are put in. */
  private size = 0;

  /** The edits in the order they were made. */
  get list(): readonly TextEdit[] {
    return this.edits;
  }

  /** Whether nothing is changed. */
  get empty(): boolean {
    return this.edits.length === 0;
  }

  insert(at: number, text: string): undefined {
    this.add({ start: at, end: at, text });
  }

  /** True: as in the originals, what was taken out before counts again. */
  remove(start: number, end: number): boolean {
    this.add({ start, end, text: '' });
    return true;
  }

  /** A cfg file may take out every field, as in the originals. */
  keeps(_name: string): undefined {
    return undefined;
  }

  /** Replaces the text from `start` up to `end`, both offsets in the message. */
  replace(start: number, end: number, text: string): void {
    this.add({ start, end, text });
  }

  /** Adds an edit; beyond the bounds on edits and text it is left out. */
  add(edit: TextEdit): void {
    if (this.edits.length >= MOST_EDITS || this.size + edit.text.length > MOST_TEXT) return;
    if (this.shared) this.edits = this.edits.slice();
    this.shared = false;
    this.edits.push(edit);
    this.size += edit.text.length;
  }

  /** Forgets what `unwanted` names. */
  drop(unwanted: (edit: TextEdit) => boolean): void {
    this.edits = this.edits.filter((each) => !unwanted(each));
    this.shared = false;
    this.size = this.edits.reduce((sum, each) => sum + each.text.length, 0);
  }

  /** Takes back all edits. */
  clear(): void {
    this.edits = [];
    this.shared = false;
    this.size = 0;
  }

  /** The same edits, to be added to on their own. */
  copy(): MessageEdits {
    const copy = new MessageEdits();
    copy.edits = this.edits;
    copy.size = this.size;
    copy.shared = this.shared = true;
    return copy;
  }
}

/** Edits one message may have: a script that loops must not fill the memory. */
const MOST_EDITS = 4096;
/** Characters that the edits of one message may put in together: what a peer sends may be put in many times over. */
const MOST_TEXT = 1 << 20;

/**
 * Text from `from` on with edits applied in the order of the message, those of one position in the order they were made. What two of
 * them take out is taken out once. Those before `from`, in the first line, have no effect, as in the originals.
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

/** Characters by which edits of a text change its length; what several of them take away counts once. */
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
