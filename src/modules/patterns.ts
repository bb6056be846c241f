import type { BoundedRegex } from '../core/posix-regex.js';
import { keptPatterns } from '../core/regex/kept-patterns.js';
import type { MessageRun } from '../script/call.js';
import { type Arg, textOf } from './define.js';

/** A computed expression as written. */
export const exactly = keptPatterns({});
/** One that passes over letter case. */
export const anyCase = keptPatterns({ ignoreCase: true });
/** One whose "^" and "$" match at every line. */
export const byLine = keptPatterns({ lines: true });
/** Both. */
export const anyCaseByLine = keptPatterns({ ignoreCase: true, lines: true }, 1000);

/** The expression of an argument, over names in any letter case. */
export function namePattern(arg: Arg | undefined, run: MessageRun): BoundedRegex {
  return arg?.regex(run) ?? anyCase(textOf(arg, run));
}
