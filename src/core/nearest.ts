/** How many insertions, deletions or replacements of a character, or swaps of neighbours, change `a` into `b`. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(
        (last[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (last[j - 1] as number) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] as number) + 1);
      }
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] as number;
}

/**
 * The candidate probably meant by a misspelt `name`: the one that differs least, where letter case counts least;
 * undefined when none is close. Used only for messages, so names beyond 64 characters are ignored.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > 64) return undefined;
  const folded = name.toLowerCase();
  let best: string | undefined;
  let bestScore = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) > 3) continue;
    const distance = editDistance(folded, candidate.toLowerCase());
    if (distance > Math.max(1, Math.floor(Math.max(name.length, candidate.length) / 3))) continue;
    const score = distance + (candidate[0] === name[0] ? 0 : 0.25) + editDistance(name, candidate) / 100;
    if (score < bestScore) {
      bestScore = score;
      best = candidate;
    }
  }
  return best;
}
