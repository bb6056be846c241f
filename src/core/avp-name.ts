import { trimmed } from './characters.js';
/**
 * The plain name of an AVP: the type prefixes of older scripts ("s:name", "i:272") are accepted and ignored, so that
 * "$avp(i:272)" and "$avp(272)" are the same.
 */
export function avpName(text: string): string {
  const name = trimmed(text);
  return /^[si]:./i.test(name) ? name.slice(2) : name;
}
