/**
 * Rank of a failure; the one with the lower rank is sent to the caller (RFC 3261 section 16.7 step 6). 6xx come first,
 * then the lowest class. Within 4xx, codes the caller can act upon (401, 407, 415, 420, 484) come first, and 408 last,
 * since it says nothing about the request.
 */
export function failureRank(code: number): number {
  if (code >= 600) return 0;
  const byClass = Math.floor(code / 100) * 10;
  if (code === 408) return LAST;
  return code === 401 || code === 407 || code === 415 || code === 420 || code === 484 ? byClass : byClass + 1;
}

const LAST = 100;
