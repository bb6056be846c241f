import { ownText } from '../own-text.js';
import { type BoundedRegex, compilePosix, type RegexOptions } from '../posix-regex.js';

/**
 * Compiles expressions that are known only when a message is handled, and keeps them, at most `most`: the oldest is dropped. What it returns
 * throws as `compilePosix` does.
 */
export function keptPatterns(options: RegexOptions, most = 64): (source: string) => BoundedRegex {
  const kept = new Map<string, BoundedRegex>();
  return (source) => {
    const known = kept.get(source);
    if (known !== undefined) return known;
    // It may be a part of a message, which would stay in memory with it.
    const own = ownText(source);
    const regex = compilePosix(own, options);
    if (kept.size >= most) kept.delete(kept.keys().next().value as string);
    kept.set(own, regex);
    return regex;
  };
}
