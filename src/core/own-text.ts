/** From this length on, V8 makes a substring as a view of the larger text; shorter ones are copies. */
const MIN_LENGTH = 13;
const ONE_BYTE = /^[\x00-\xff]*$/;

/**
 * Copies a text that was cut from a message or concatenated from such parts. Everything kept longer than the message
 * must be copied: a substring is a view and keeps the whole message in memory, 64 KB for the Call-ID of a hostile
 * request. A concatenated text may be only a list of its parts.
 */
export function ownText(text: string): string {
  if (text.length < MIN_LENGTH) return text;
  const encoding = ONE_BYTE.test(text) ? 'latin1' : 'utf16le';
  return Buffer.from(text, encoding).toString(encoding);
}

/** The same for a value that may be a text. */
export function ownValue<T>(value: T): T {
  return typeof value === 'string' ? (ownText(value) as T & string) : value;
}
