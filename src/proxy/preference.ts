/**
 * Which of two failures is returned to the caller: the lower rank wins. 6xx first, else the lowest class, and inside it
 * what the caller can act upon (401, 407, 415, 420, 484) before the rest, and anything before a timeout, which says
 * nothing of the request (RFC 3261 section 16.7 step 6).
 */
export function failureRank(code: number): number {
  if (code >= 600) return 0;
  const byClass = Math.floor(code / 100) * 10;
  if (code === 408) return LAST;
  return code === 401 || code === 407 || code === 415 || code === 420 || code === 484 ? byClass : byClass + 1;
}

const LAST = 100;
