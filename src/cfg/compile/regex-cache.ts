import { messageOf } from '../../core/errors.js';
import { type BoundedRegex, compilePosix } from '../../core/posix-regex.js';
import type { Position } from '../ast.js';
import type { ScriptRun } from '../runtime.js';

/** Expressions kept for one call site; the oldest is dropped. */
const MOST_KEPT = 64;

/**
 * Compiles regular expressions taken from a message, and keeps the most recent ones. Undefined, and a fault in the log,
 * for one that is not valid.
 */
export function computedRegex(
  at: Position,
  ignoreCase: boolean,
  lines = false,
): (run: ScriptRun, source: string | undefined) => BoundedRegex | undefined {
  const kept = new Map<string, BoundedRegex>();
  return (run, source) => {
    if (source === undefined) return undefined;
    const known = kept.get(source);
    if (known !== undefined) return known;
    try {
      const regex = compilePosix(source, { ignoreCase, lines });
      if (kept.size >= MOST_KEPT) kept.delete(kept.keys().next().value as string);
      kept.set(source, regex);
      return regex;
    } catch (error) {
      run.fault(at, messageOf(error));
      return undefined;
    }
  };
}
