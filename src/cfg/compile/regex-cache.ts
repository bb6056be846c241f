import { messageOf } from '../../core/errors.js';
import type { BoundedRegex } from '../../core/posix-regex.js';
import { keptPatterns } from '../../core/regex/kept-patterns.js';
import type { Position } from '../ast.js';
import type { ScriptRun } from '../runtime.js';

/**
 * Compiles regular expressions that contain parts of a message; keeps the most recent ones. Undefined for an invalid
 * one, which is logged as a fault.
 */
export function computedRegex(
  at: Position,
  ignoreCase: boolean,
  lines = false,
): (run: ScriptRun, source: string | undefined) => BoundedRegex | undefined {
  const kept = keptPatterns({ ignoreCase, lines });
  return (run, source) => {
    if (source === undefined) return undefined;
    try {
      return kept(source);
    } catch (error) {
      run.fault(at, messageOf(error));
      return undefined;
    }
  };
}
