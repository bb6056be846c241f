import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto';

/** Characters of the longest text that is enciphered. */
const LONGEST = 16_384;
/** Bytes that show that a text was enciphered by whoever has the key, and from which its stream begins. */
const TAG = 8;

/**
 * Enciphers short texts so that whoever has the key reads them and nobody else can make them: a synthetic initialization vector (RFC 5297
 * in its idea: HMAC-SHA-256 of the text, truncated) and AES-128 in counter mode. The same text gives the same result, so that copies of a
 * message stay copies. The original exchanges the letters of base 64, which hides nothing from whoever looks closely.
 */
export class TextCipher {
  private readonly macKey: Buffer;
  private readonly streamKey: Buffer;

  constructor(key: string) {
    const derived = Buffer.from(hkdfSync('sha256', key, 'switchyard topoh', '', 48));
    this.macKey = derived.subarray(0, 32);
    this.streamKey = derived.subarray(32);
  }

  /** The text enciphered, in letters, digits, "-" and "_". */
  encipher(text: string): string {
    const plain = Buffer.from(text, 'latin1');
    const tag = this.tag(plain);
    const cipher = createCipheriv('aes-128-ctr', this.streamKey, this.counter(tag));
    return Buffer.concat([tag, cipher.update(plain)]).toString('base64url');
  }

  /** What was enciphered; undefined for anything else. */
  decipher(text: string): string | undefined {
    if (text.length > LONGEST * 2 || !/^[A-Za-z0-9_-]{11,}$/.test(text)) return undefined;
    const bytes = Buffer.from(text, 'base64url');
    // One text for one enciphered text: the last character has bits that count for nothing.
    if (bytes.toString('base64url') !== text) return undefined;
    const tag = bytes.subarray(0, TAG);
    const decipher = createDecipheriv('aes-128-ctr', this.streamKey, this.counter(tag));
    const plain = decipher.update(bytes.subarray(TAG));
    return this.tag(plain).equals(tag) ? plain.toString('latin1') : undefined;
  }

  private tag(plain: Buffer): Buffer {
    return createHmac('sha256', this.macKey).update(plain).digest().subarray(0, TAG);
  }

  private counter(tag: Buffer): Buffer {
    const counter = Buffer.alloc(16);
    tag.copy(counter);
    return counter;
  }
}
