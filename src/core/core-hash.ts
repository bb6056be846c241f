/**
 * The hash function in the core of OpenSIPS and Kamailio, bit for bit: a 32-bit sum of groups of four bytes,
 * big-endian, where each byte is a *signed* char (as gcc on x86 has it). Strings are latin1, one code unit for each
 * byte. All arithmetic is modulo 2^32.
 */

/** Adds the bytes from `start` to before `end` of `text` to a sum, which begins with 0. Allocates nothing. */
export function foldHash(sum: number, text: string, start: number, end: number): number {
  let h = sum;
  let i = start;
  for (; i + 3 < end; i += 4) {
    const b1 = text.charCodeAt(i + 1);
    const b2 = text.charCodeAt(i + 2);
    const b3 = text.charCodeAt(i + 3);
    let v = (text.charCodeAt(i) << 24) | (b1 << 16) | (b2 << 8) | b3;
    // Only bytes from 0x80 on are negative; adding one borrows from the byte before.
    if (((b1 | b2 | b3) & 0xff80) !== 0) {
      v = ((text.charCodeAt(i) << 24) + (signed(b1) << 16) + (signed(b2) << 8) + signed(b3)) | 0;
    }
    h = (h + (v ^ (v >>> 3))) | 0;
  }
  let v = 0;
  for (; i < end; i++) v = ((v << 8) + signed(text.charCodeAt(i))) | 0;
  return (h + (v ^ (v >>> 3))) | 0;
}

function signed(byte: number): number {
  return (byte << 24) >> 24;
}

/** Computes the final value, 0 to 2^32-1, from a sum. */
export function finishHash(sum: number): number {
  return (sum + (sum >>> 11) + ((sum >>> 13) + (sum >>> 23))) >>> 0;
}

/** The hash as the core of the originals computes it, 0 to 2^32-1; with `size` (a power of two) only its low bits. */
export function coreHash(a: string, b?: string, size = 0): number {
  let sum = foldHash(0, a, 0, a.length);
  if (b !== undefined) sum = foldHash(sum, b, 0, b.length);
  const h = finishHash(sum);
  return size === 0 ? h : (h & (size - 1)) >>> 0;
}
