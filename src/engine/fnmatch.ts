/**
 * Shell pattern matching over a whole string, as fnmatch(3) without flags: "*", "?", "[a-z]", "[!a]", "\" takes the next
 * character as it is; case counts, "/" and a leading "." are nothing special. Time is bounded by the product of the lengths.
 */
export function fnmatch(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let starAt = -1;
  let starText = 0;
  while (t < text.length) {
    const c = pattern.charAt(p);
    if (c === '*') {
      starAt = p++;
      starText = t;
      continue;
    }
    const used = c === '' ? 0 : matchOne(pattern, p, text.charAt(t));
    if (used > 0) {
      p += used;
      t++;
    } else if (starAt >= 0) {
      // Only the last star needs to take more: what an earlier one took was already as little as possible.
      p = starAt + 1;
      t = ++starText;
    } else {
      return false;
    }
  }
  while (pattern.charAt(p) === '*') p++;
  return p === pattern.length;
}

/** Length of the pattern element at `p` when it matches `c`, else 0. */
function matchOne(pattern: string, p: number, c: string): number {
  switch (pattern.charAt(p)) {
    case '?':
      return 1;
    case '\\':
      if (p + 1 === pattern.length) return 0;
      return pattern.charAt(p + 1) === c ? 2 : 0;
    case '[':
      return matchBracket(pattern, p, c);
    default:
      return pattern.charAt(p) === c ? 1 : 0;
  }
}

function matchBracket(pattern: string, start: number, c: string): number {
  let p = start + 1;
  const negated = pattern.charAt(p) === '!' || pattern.charAt(p) === '^';
  if (negated) p++;
  let found = false;
  for (let isFirst = true; ; isFirst = false) {
    let low = pattern.charAt(p);
    // Without a closing bracket "[" is an ordinary character.
    if (low === '') return c === '[' ? 1 : 0;
    if (low === ']' && !isFirst) return found !== negated ? p + 1 - start : 0;
    if (low === '\\' && p + 1 < pattern.length) low = pattern.charAt(++p);
    let high = low;
    if (pattern.charAt(p + 1) === '-' && pattern.charAt(p + 2) !== ']' && p + 2 < pattern.length) {
      p += 2;
      high = pattern.charAt(p);
      if (high === '\\' && p + 1 < pattern.length) high = pattern.charAt(++p);
    }
    if (c >= low && c <= high) found = true;
    p++;
  }
}
