import type { BoundedRegex } from '../core/posix-regex.js';
import { keptPatterns } from '../core/regex/kept-patterns.js';
import type { MessageRun } from '../script/call.js';
import { type Arg, textOf } from './define.js';

/** Compiles a computed expression; letter case counts. */
export const exactly = keptPatterns({});
/** Compiles a computed expression that ignores letter case. */
export const anyCase = keptPatterns({ ignoreCase: true });
/** Compiles a computed expression whose "^" and "$" match at each line. */
export const byLine = keptPatterns({ lines: true });
/** Compiles a computed expression that ignores letter case and whose "^" and "$" match at each line. */
export const anyCaseByLine = keptPatterns({ ignoreCase: true, lines: true }, 1000);

/** The expression in an argument, for names in any letter case. */
export function namePattern(arg: Arg | undefined, run: MessageRun): BoundedRegex {
  return arg?.regex(run) ?? anyCase(textOf(arg, run));
}
