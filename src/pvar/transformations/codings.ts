const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
/** Maximum length of a text encoded in base 58: the cost grows with the square of the length. */
const MAX_BASE58 = 512;

/** Base 58 with the alphabet of Bitcoin; '' for a text that is too long. */
export function encodeBase58(text: string): string {
  if (text.length > MAX_BASE58) return '';
  let value = 0n;
  for (const byte of Buffer.from(text, 'latin1')) value = value * 256n + BigInt(byte);
  let result = '';
  for (; value > 0n; value /= 58n) result = (BASE58[Number(value % 58n)] as string) + result;
  const zeros = /^\0*/.exec(text)?.[0].length ?? 0;
  return '1'.repeat(zeros) + result;
}

/** The inverse of `encodeBase58`; null for other characters. */
export function decodeBase58(text: string): string | null {
  if (text.length > MAX_BASE58) return null;
  let value = 0n;
  for (const c of text) {
    const digit = BASE58.indexOf(c);
    if (digit < 0) return null;
    value = value * 58n + BigInt(digit);
  }
  let result = '';
  for (; value > 0n; value >>= 8n) result = String.fromCharCode(Number(value & 255n)) + result;
  const zeros = /^1*/.exec(text)?.[0].length ?? 0;
  return '\0'.repeat(zeros) + result;
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/**
 * Base 64 without padding. As recorded, no character is refused: an invalid one counts as all bits set, and so does one
 * that is missing in the last group.
 */
export function decodeLenient(text: string): string {
  const digit = (at: number): number => {
    const found = at < text.length ? BASE64.indexOf(text[at] as string) : -1;
    return found < 0 ? 255 : found;
  };
  let result = '';
  for (let at = 0; at < text.length; at += 4) {
    const [a, b, c, d] = [digit(at), digit(at + 1), digit(at + 2), digit(at + 3)];
    const bytes = [(a << 2) | (b >> 4), (b << 4) | (c >> 2), (c << 6) | d];
    const whole = Math.max(1, Math.min(4, text.length - at) - 1);
    for (const byte of bytes.slice(0, whole)) result += String.fromCharCode(byte & 255);
  }
  return result;
}

/** Characters of seven bits packed into bytes (3GPP TS 23.038 section 6.1.2), in hexadecimal. */
export function encodeSeptets(text: string): string {
  const bytes = Buffer.allocUnsafe(text.length);
  let length = 0;
  let bits = 0;
  let count = 0;
  for (const byte of Buffer.from(text, 'latin1')) {
    // As recorded, an eighth bit is not cut off.
    bits |= byte << count;
    count += 7;
    if (count >= 8) {
      bytes[length++] = bits & 255;
      bits >>= 8;
      count -= 8;
    }
  }
  if (count > 0) bytes[length++] = bits & 255;
  return bytes.toString('hex', 0, length).toUpperCase();
}

/** Value of a hexadecimal digit. As recorded, the same calculation is used for other characters. */
function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const small = code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
  return (small - 0x61 + 10) & 255;
}

/** The inverse of `encodeSeptets`. As recorded, it does not refuse text that is not hexadecimal. */
export function decodeSeptets(hexadecimal: string): string {
  const bytes = Buffer.allocUnsafe(hexadecimal.length);
  let length = 0;
  let bits = 0;
  let count = 0;
  for (let at = 0; at < hexadecimal.length; at += 2) {
    const low = at + 1 < hexadecimal.length ? hexadecimal.charCodeAt(at + 1) & 255 : 0;
    bits |= (((digitOf(hexadecimal.charCodeAt(at) & 255) << 4) & 255) | digitOf(low)) << count;
    count += 8;
    while (count >= 7) {
      bytes[length++] = bits & 127;
      bits >>= 7;
      count -= 7;
    }
  }
  return bytes.toString('latin1', 0, length);
}
