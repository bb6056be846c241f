/** Bytes of a message in which its Call-ID is looked for. */
const LOOKED_AT = 16_384;
const SPACE = 32;
const ANY_SPELLING = /\r\n(?:call-id|i)[ \t]*:/i;

/** The Call-ID of a message that is not parsed; '' when it has none near its beginning. Linear in what is looked at. */
export function callIdOf(text: string): string {
  let at = text.indexOf('\r\nCall-ID:');
  let value = at + 10;
  if (at < 0) {
    const head = text.length > LOOKED_AT ? text.slice(0, LOOKED_AT) : text;
    const match = ANY_SPELLING.exec(head);
    if (match === null) return '';
    at = match.index;
    value = at + match[0].length;
  }
  const end = text.indexOf('\r\n', value);
  if (text.charCodeAt(value) === SPACE) value++;
  const found = text.slice(value, end < 0 ? Math.min(text.length, value + 512) : end);
  // Most have one blank before and none behind: trimming costs as much as all the rest.
  return found.charCodeAt(0) > SPACE && found.charCodeAt(found.length - 1) > SPACE ? found : found.trim();
}
