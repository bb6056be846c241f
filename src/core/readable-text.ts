const NOT_ASCII = /[\x80-\xff]/;
const strict = new TextDecoder('utf-8', { fatal: true });

/** Decodes text from the wire (latin1, one code unit for each byte) if it is UTF-8; anything else stays as it is. */
export function readableText(wire: string): string {
  if (!NOT_ASCII.test(wire)) return wire;
  try {
    return strict.decode(Buffer.from(wire, 'latin1'));
  } catch {
    return wire;
  }
}
