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

/** Value of a hexadecimal digit. As recorded, other characters are calculated in the same way. */
function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const small = code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
  return (small - 0x61 + 10) & 255;
}

/** The inverse of `encodeSeptets`. As recorded, it does not refuse text that is not hexadecimal. */
export function decodeSeptets(hexadecimal: string): string {
  const bytes: number[] = [];
  let bits = 0;
  let count = 0;
  for (let at = 0; at < hexadecimal.length; at += 2) {
    const low = at + 1 < hexadecimal.length ? hexadecimal.charCodeAt(at + 1) & 255 : 0;
    bits |= (((digitOf(hexadecimal.charCodeAt(at) & 255) << 4) & 255) | digitOf(low)) << count;
    count += 8;
    while (count >= 7) {
      bytes.push(bits & 127);
      bits >>= 7;
      count -= 7;
    }
  }
  return Buffer.from(bytes).toString('latin1');
}
