import type { DialectName } from '../cfg/function-table.js';
import { trimmed } from '../core/characters.js';
import { COMPACT_FORMS } from '../pvar/variables/script-headers.js';
import type { FieldSpan, SipMessage } from '../sip/message.js';

/** Header fields of a name. Compact and long forms are equal, but OpenSIPS does not know all compact forms. */
export function* fieldsOf(message: SipMessage, dialect: DialectName, name: string): Generator<FieldSpan> {
  const lower = trimmed(name).toLowerCase();
  const wanted = COMPACT_FORMS[lower] ?? lower;
  for (const field of message.fields()) {
    const written = message.text.slice(field.line, field.nameEnd).toLowerCase();
    const full = COMPACT_FORMS[written];
    // The compact forms that OpenSIPS knows.
    const known = full === undefined || (dialect === 'opensips' && !'vftimclk'.includes(written)) ? written : full;
    if (known === wanted || written === lower) yield field;
  }
}
