import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto';

/** Maximum length of a text to encrypt. */
const LONGEST = 16_384;
/**
 * Length in bytes of the tag, which proves that the text was encrypted with the key and is the initialization vector.
 */
const TAG = 8;

/**
 * Encrypts short texts so that only a holder of the key can read or make them. Uses a synthetic initialization vector
 * (the idea of RFC 5297: a truncated HMAC-SHA-256 of the text) and AES-128 in counter mode. Equal texts give equal
 * results, so that retransmissions of a message stay equal. The original only permutes the letters of base 64, which is
 * easily undone.
 */
export class TextCipher {
  private readonly macKey: Buffer;
  private readonly streamKey: Buffer;

  constructor(key: string) {
    const derived = Buffer.from(hkdfSync('sha256', key, 'switchyard topoh', '', 48));
    this.macKey = derived.subarray(0, 32);
    this.streamKey = derived.subarray(32);
  }

  /** The encrypted text, in letters, digits, "-" and "_". */
  encipher(text: string): string {
    const plain = Buffer.from(text, 'latin1');
    const tag = this.tag(plain);
    const cipher = createCipheriv('aes-128-ctr', this.streamKey, this.counter(tag));
    return Buffer.concat([tag, cipher.update(plain)]).toString('base64url');
  }

  /** The decrypted text; undefined for any other input. */
  decipher(text: string): string | undefined {
    if (text.length > LONGEST * 2 || !/^[A-Za-z0-9_-]{11,}$/.test(text)) return undefined;
    const bytes = Buffer.from(text, 'base64url');
    // The last character has unused bits: only one of its values is accepted.
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
