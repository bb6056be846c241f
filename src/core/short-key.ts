import { createHash } from 'node:crypto';
import { ownText } from './own-text.js';

const LONGEST = 64;

/** A key of 64 characters at most for a text that peers choose: the text itself, or its hash. It keeps no message in memory. */
export function shortKey(text: string): string {
  return text.length <= LONGEST ? ownText(text) : createHash('sha256').update(text).digest('base64');
}
