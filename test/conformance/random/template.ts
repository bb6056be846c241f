import type { RandomSource } from './source.js';

/** Expands a template: one alternative of "«a|b|c»" is chosen; alternatives may be nested. "¦" stands for "|". */
export function expand(template: string, random: RandomSource): string {
  let text = template;
  for (let n = 0; n < 1000; n++) {
    const start = text.lastIndexOf('«');
    if (start < 0) return text.replaceAll('¦', '|');
    const end = text.indexOf('»', start);
    if (end < 0) throw new Error(`"»" is missing in ${template}`);
    const chosen = random.pick(text.slice(start + 1, end).split('|'));
    text = text.slice(0, start) + chosen + text.slice(end + 1);
  }
  throw new Error(`too many alternatives in ${template}`);
}
