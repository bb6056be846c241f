import type { BranchIdentity } from './branch.js';
import type { TransactionFigures } from './counters.js';

/** Other processes that serve the same sockets, as the transaction layer sees them. */
export interface PeerProcesses {
  /** How the branches of this process begin. */
  readonly identity: BranchIdentity;
  /** Numbers of transactions in the others; bounds count them too. */
  readonly figures: Readonly<TransactionFigures>;
  /**
   * Passes on an ICMP error for a message that another process sent; `marker` is that process's character in branches.
   */
  strayError(marker: string, text: string, address: string, port: number): void;
}

/** For a process without such peers. */
export const NO_FIGURES: Readonly<TransactionFigures> = { servers: 0, clients: 0, unanswered: 0, surplus: 0 };
