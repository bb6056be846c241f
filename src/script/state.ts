import type { SipMessage } from '../sip/message.js';
import type { ClientTransaction } from '../sip/transaction/client.js';
import type { ServerTransaction } from '../sip/transaction/server.js';

/** One branch of a transaction, as functions and variables see it. */
export interface BranchState {
  readonly index: number;
  readonly client: ClientTransaction | undefined;
  /** Last status that came, or that was set here: 408 when nothing came in time. */
  readonly status: number;
  /** The final reply; undefined for one generated locally. */
  readonly reply: SipMessage | undefined;
  /** Whether the final status was generated locally. */
  readonly local: boolean;
  readonly timedOut: boolean;
  /** A provisional reply came. */
  readonly provisional: boolean;
  /** It is no longer a candidate for the best reply. */
  dropped: boolean;
  flags: number;
  /** Cancels it. `lines` are header lines of the CANCEL. */
  cancel(lines: string): void;
}

/** A transaction, as functions and variables see it. */
export interface TransactionState {
  readonly branches: readonly BranchState[];
  readonly server: ServerTransaction;
  readonly invite: boolean;
  /** Final status the caller got; 0 while it has none. */
  readonly final: number;
  /** Last status that went to the caller. */
  readonly lastStatus: number;
  /** Branches before this index are of earlier legs. */
  readonly legStart: number;
  cancelled: boolean;
  /** Replies here. False when the caller has its final reply. */
  reply(code: number, reason: string, lines?: string, body?: string): boolean;
  cancelBranches(lines: string): void;
  /** The caller has its final reply, or gets none. */
  ended(code: number): void;
  /** Is called once with the final status. */
  onEnd(hook: (code: number) => void): void;
}
