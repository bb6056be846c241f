import type { BranchIdentity } from './branch.js';
import type { TransactionFigures } from './counters.js';

/** The processes that serve the same sockets as this one, as its transaction layer sees them. */
export interface PeerProcesses {
  /** What the branches of this process begin with. */
  readonly identity: BranchIdentity;
  /** Transactions of the others: bounds count them as if they were here. */
  readonly figures: Readonly<TransactionFigures>;
  /** Takes an ICMP error for what another process has sent; `marker` names that process in its branches. */
  strayError(marker: string, text: string, address: string, port: number): void;
}

/** No other process has transactions. */
export const NO_FIGURES: Readonly<TransactionFigures> = { servers: 0, clients: 0, unanswered: 0, surplus: 0 };
