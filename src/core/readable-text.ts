const NOT_ASCII = /[\x80-\xff]/;
const strict = new TextDecoder('utf-8', { fatal: true });

/**
 * Text of the wire (latin1, one code unit for a byte) as people read it: what is UTF-8 is decoded, anything else stays as it
 * is, byte for byte.
 */
export function readableText(wire: string): string {
  if (!NOT_ASCII.test(wire)) return wire;
  try {
    return strict.decode(Buffer.from(wire, 'latin1'));
  } catch {
    return wire;
  }
}
