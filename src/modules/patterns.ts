import { keptPatterns } from '../core/regex/kept-patterns.js';

/** A computed expression as written. */
export const exactly = keptPatterns({});
/** One that passes over letter case. */
export const anyCase = keptPatterns({ ignoreCase: true });
/** One whose "^" and "$" match at every line. */
export const byLine = keptPatterns({ lines: true });
/** Both. */
export const anyCaseByLine = keptPatterns({ ignoreCase: true, lines: true }, 1000);
