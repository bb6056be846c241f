import { trimmed } from '../core/characters.js';
import type { MessageRun } from '../script/call.js';
import type { FieldSpan } from '../sip/message.js';

/** Beginning of a text that Kamailio reads as the name of a header field, as recorded. */
export const FIELD_NAME = /^[A-Za-z0-9_.-]/;

/** The last of some header fields; undefined when there are none. */
export function lastOf(fields: Iterable<FieldSpan>): FieldSpan | undefined {
  let last: FieldSpan | undefined;
  for (const each of fields) last = each;
  return last;
}

/** Removes the header fields whose names are wanted. Returns their number. */
export function removeHeaders(run: MessageRun, wanted: (name: string) => boolean): number {
  let count = 0;
  for (const field of run.message.fields()) {
    if (!wanted(run.message.text.slice(field.line, field.nameEnd))) continue;
    run.edits.remove(field.line, field.next);
    count++;
  }
  return count;
}

/** The field of a name at an index; negative ones count from the end. */
export function fieldAt(run: MessageRun, name: string, index: number): FieldSpan | undefined {
  const all = [...run.fields(name)];
  return all[index < 0 ? all.length + index : index];
}

/** The value of a header field, as in the message. */
export function textIn(run: MessageRun, field: FieldSpan): string {
  return run.message.text.slice(field.value, field.end);
}

/** The value of a header field without surrounding white space. */
export const fieldText = (run: MessageRun, { value, end }: FieldSpan): string =>
  trimmed(run.message.text.slice(value, end));
