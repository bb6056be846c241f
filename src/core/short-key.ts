import { createHash } from 'node:crypto';
import { ownText } from './own-text.js';

const LONGEST = 64;

/** A map key of at most 64 characters for a text that peers choose: the text itself (copied) or its hash. */
export function shortKey(text: string): string {
  return text.length <= LONGEST ? ownText(text) : createHash('sha256').update(text).digest('base64');
}
