const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
/** Maximum length of a text encoded in base 58: the cost grows with the square of the length. */
const MOST_BASE58 = 512;

/** Base 58 with the alphabet of Bitcoin; '' for a text that is too long. */
export function encodeBase58(text: string): string {
  if (text.length > MOST_BASE58) return '';
  let value = 0n;
  for (const byte of Buffer.from(text, 'latin1')) value = value * 256n + BigInt(byte);
  let result = '';
  for (; value > 0n; value /= 58n) result = (BASE58[Number(value % 58n)] as string) + result;
  const zeros = /^\0*/.exec(text)?.[0].length ?? 0;
  return '1'.repeat(zeros) + result;
}

/** Characters of seven bits packed into bytes (3GPP TS 23.038 section 6.1.2), in hexadecimal. */
export function encodeSeptets(text: string): string {
  const bytes: number[] = [];
  let bits = 0;
  let count = 0;
  for (const byte of Buffer.from(text, 'latin1')) {
    bits |= (byte & 127) << count;
    count += 7;
    if (count >= 8) {
      bytes.push(bits & 255);
      bits >>= 8;
      count -= 8;
    }
  }
  if (count > 0) bytes.push(bits & 255);
  return Buffer.from(bytes).toString('hex').toUpperCase();
}

/** The inverse of `encodeSeptets`. */
export function decodeSeptets(hexadecimal: string): string {
  const bytes: number[] = [];
  let bits = 0;
  let count = 0;
  for (const byte of Buffer.from(hexadecimal, 'hex')) {
    bits |= byte << count;
    count += 8;
    while (count >= 7) {
      bytes.push(bits & 127);
      bits >>= 7;
      count -= 7;
    }
  }
  return Buffer.from(bytes).toString('latin1');
}
