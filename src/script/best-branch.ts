import type { TxBranch } from './branch.js';

/** The branch whose final reply is the best (RFC 3261 section 16.7 step 6); undefined when none is a candidate. */
export function bestBranch(branches: readonly TxBranch[]): TxBranch | undefined {
  let best: TxBranch | undefined;
  for (const each of branches) {
    if (each.dropped || each.pending) continue;
    if (best === undefined || rank(each.status) < rank(best.status)) best = each;
  }
  return best;
}

/** 6xx before all, then the lower class; 503 after all others. */
function rank(status: number): number {
  if (status >= 600) return status - 600;
  if (status === 503) return 599;
  return status;
}
