import type { DialectName } from '../cfg/function-table.js';
import type { TxBranch } from './branch.js';

/** The branch with the best final reply (RFC 3261 section 16.7 step 6); undefined when no branch is a candidate. */
export function bestBranch(branches: readonly TxBranch[], dialect: DialectName): TxBranch | undefined {
  const rank =
    dialect === 'kamailio'
      ? (each: TxBranch) => (wasNotSent(each) ? Number.POSITIVE_INFINITY : kamailioRank(each.status))
      : (each: TxBranch) => opensipsRank(each.status);
  let best: TxBranch | undefined;
  for (const each of branches) {
    if (each.dropped || each.pending) continue;
    if (best === undefined || rank(each) < rank(best)) best = each;
  }
  return best;
}

/** As recorded, Kamailio answers with the 477 of a branch whose request could not be sent only when no other is left. */
function wasNotSent({ local, status }: TxBranch): boolean {
  return local && status === 477;
}

/** OpenSIPS's order: 6xx first, then lower classes before higher, 503 last. */
function opensipsRank(status: number): number {
  if (status >= 600) return status - 600;
  if (status === 503) return 599;
  return status;
}

/**
 * Kamailio's order as recorded: 6xx first, then lower classes before higher. Within 4xx, codes that the caller can act
 * upon (401, 407, 415, 420, 484) come first, then the lower code.
 */
function kamailioRank(status: number): number {
  if (status >= 600) return status - 600;
  return affectsResubmission(status) ? 399 + (status - 400) / 1000 : status;
}

function affectsResubmission(status: number): boolean {
  return status === 401 || status === 407 || status === 415 || status === 420 || status === 484;
}
