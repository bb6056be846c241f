/** Shorter texts are copies anyway: V8 makes a view of a larger text only from this length on. */
const LEAST = 13;
const ONE_BYTE = /^[\x00-\xff]*$/;

/**
 * A copy of a text that was cut out of a message, or put together from such texts. What is kept longer than the message has to be
 * one: a text that is cut out is a view of the whole message, which stays in memory as long as the view does, 64 KB for the Call-ID of a
 * hostile request. A text that was put together may be no more than a list of its parts.
 */
export function ownText(text: string): string {
  if (text.length < LEAST) return text;
  const encoding = ONE_BYTE.test(text) ? 'latin1' : 'utf16le';
  return Buffer.from(text, encoding).toString(encoding);
}

/** The same for a value that may be a text. */
export function ownValue<T>(value: T): T {
  return typeof value === 'string' ? (ownText(value) as T & string) : value;
}
