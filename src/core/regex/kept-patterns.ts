import { ownText } from '../own-text.js';
import { type BoundedRegex, compilePosix, type RegexOptions } from '../posix-regex.js';

/**
 * Compiles expressions that are known only at run time, and caches the last `max` of them. The returned function
 * throws as `compilePosix` does.
 */
export function keptPatterns(options: RegexOptions, max = 64): (source: string) => BoundedRegex {
  const kept = new Map<string, BoundedRegex>();
  return (source) => {
    const known = kept.get(source);
    if (known !== undefined) return known;
    // Copied, since it may be a substring of a message, which it would keep in memory.
    const own = ownText(source);
    const regex = compilePosix(own, options);
    if (kept.size >= max) kept.delete(kept.keys().next().value as string);
    kept.set(own, regex);
    return regex;
  };
}
