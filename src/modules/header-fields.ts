import { trimmed } from '../core/characters.js';
import type { MessageRun } from '../script/call.js';
import type { FieldSpan } from '../sip/message.js';

/** Beginning of a text that Kamailio reads as the name of a header field, as recorded. */
export const FIELD_NAME = /^[A-Za-z0-9_.-]/;

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

/** The value of a header field, as in the message. */
export function textIn(run: MessageRun, field: FieldSpan): string {
  return run.message.text.slice(field.value, field.end);
}

/** The value of a header field without surrounding white space. */
export const fieldText = (run: MessageRun, { value, end }: FieldSpan): string =>
  trimmed(run.message.text.slice(value, end));
