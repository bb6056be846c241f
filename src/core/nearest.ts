/** Longest name that is compared, and how much longer a candidate may be. */
const MAX_NAME = 64;
const MAX_LONGER = 3;
/**
 * Rows of the table of distances, used again: a file may have thousands of unknown names, each compared with hundreds.
 * Twice as long as names, since some letters are two in lower case.
 */
const rows = [0, 1, 2].map(() => new Uint8Array(2 * (MAX_NAME + MAX_LONGER) + 1)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

/**
 * How many insertions, deletions or replacements of a character, or swaps of neighbours, change `a` into `b`; more than
 * `max` where it is more than `max`.
 */
function editDistance(a: string, b: string, max: number): number {
  let [beforeLast, last, row] = rows;
  for (let j = 0; j <= b.length; j++) last[j] = j;
  let lastLeast = 0;
  for (let i = 1; i <= a.length; i++) {
    row[0] = i;
    let least = i;
    const c = a.charCodeAt(i - 1);
    for (let j = 1; j <= b.length; j++) {
      const d = b.charCodeAt(j - 1);
      let cost = (last[j - 1] as number) + (c === d ? 0 : 1);
      cost = Math.min(cost, (last[j] as number) + 1, (row[j - 1] as number) + 1);
      if (i > 1 && j > 1 && c === b.charCodeAt(j - 2) && a.charCodeAt(i - 2) === d) {
        cost = Math.min(cost, (beforeLast[j - 2] as number) + 1);
      }
      row[j] = cost;
      if (cost < least) least = cost;
    }
    // No later row is below these two.
    if (least > max && lastLeast > max) return max + 1;
    lastLeast = least;
    [beforeLast, last, row] = [last, row, beforeLast];
  }
  return last[b.length] as number;
}

/**
 * The candidate probably meant by a misspelt `name`: the one that differs least, where letter case counts least;
 * undefined when none is close. Used only for messages, so names beyond 64 characters are ignored.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > MAX_NAME) return undefined;
  const folded = name.toLowerCase();
  let best: string | undefined;
  let bestScore = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) > MAX_LONGER) continue;
    const allowed = Math.max(1, Math.floor(Math.max(name.length, candidate.length) / 3));
    const limit = Math.min(allowed, bestScore);
    const distance = editDistance(folded, candidate.toLowerCase(), limit);
    if (distance > limit) continue;
    const score = distance + (candidate[0] === name[0] ? 0 : 0.25) + editDistance(name, candidate, 255) / 100;
    if (score < bestScore) {
      bestScore = score;
      best = candidate;
    }
  }
  return best;
}
