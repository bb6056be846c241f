/**
 * A 64-bit hash as two independent 32-bit ones, over pieces of text and numbers, with secret seeds: a key for something
 * whose own key would have to be built as a string first. Two of a million items collide by chance once in 10^7 starts,
 * and a collision cannot be forced without knowing the seeds. One object is used over and over; nothing is allocated.
 */
export class Mixer {
  /** The two halves, each a signed 32-bit number. */
  a = 0;
  b = 0;

  constructor(
    private readonly seedA: number,
    private readonly seedB: number,
  ) {}

  /** Begins another hash; the last one must have been read. */
  begin(): this {
    this.a = this.seedA | 0;
    this.b = this.seedB | 0;
    return this;
  }

  /** Mixes in the code units of `text` from `start` to `end`, and that they ended. */
  text(text: string, start = 0, end = text.length): this {
    let { a, b } = this;
    for (let i = start; i < end; i++) {
      const c = text.charCodeAt(i);
      a = Math.imul(a ^ c, 0x01000193);
      b = Math.imul(((b << 5) | (b >>> 27)) ^ c, 0x9e3779b1);
    }
    this.a = a;
    this.b = b;
    return this.number(end - start);
  }

  /** 53 bits for a text by itself. */
  key(text: string): number {
    const { a, b } = this.begin().text(text);
    return (a >>> 0) * 0x20_0000 + (b & 0x1f_ffff);
  }

  /** Mixes 32 bits into both halves. */
  number(value: number): this {
    this.a = Math.imul(this.a ^ value, 0x01000193) ^ (this.a >>> 15);
    this.b = Math.imul(((this.b << 5) | (this.b >>> 27)) ^ value, 0x9e3779b1);
    return this;
  }
}

/** What hash32 begins with for seed 0: for who hashes while looking for the end. */
export const FNV_BASIS = 0x811c9dc5;
/** What FNV-1a multiplies by. */
export const FNV_PRIME = 0x01000193;

/** FNV-1a over the code units from `start` to `end`, continued from `seed`; an unsigned 32-bit number. */
export function hash32(text: string, seed: number, start = 0, end = text.length): number {
  let h = (FNV_BASIS ^ seed) | 0;
  for (let i = start; i < end; i++) h = Math.imul(h ^ text.charCodeAt(i), FNV_PRIME);
  return h >>> 0;
}

/** Two digits of base 32 each, by their value. */
const PAIRS: readonly string[] = Array.from({ length: 1024 }, (_, i) => i.toString(32).padStart(2, '0'));

/** An unsigned 32-bit number as seven digits and letters; several times faster than toString with a radix. */
export function text32(value: number): string {
  return (
    (PAIRS[value >>> 22] as string) +
    (PAIRS[(value >>> 12) & 1023] as string) +
    (PAIRS[(value >>> 2) & 1023] as string) +
    String(value & 3)
  );
}

/** A number of 30 bits as six digits and letters. */
export function text30(value: number): string {
  return (
    (PAIRS[(value >>> 20) & 1023] as string) +
    (PAIRS[(value >>> 10) & 1023] as string) +
    (PAIRS[value & 1023] as string)
  );
}

/** The number that text30 wrote at `start`; -1 when there is none. */
export function number30(text: string, start: number): number {
  let value = 0;
  for (let at = start; at < start + 6; at++) {
    const c = text.charCodeAt(at);
    const digit = c >= 48 && c <= 57 ? c - 48 : c >= 97 && c <= 118 ? c - 87 : -1;
    if (digit < 0) return -1;
    value = (value << 5) | digit;
  }
  return value;
}
