/** Timers in milliseconds (RFC 3261 section 17.1.1.1; fr_timeout and fr_inv_timeout as OpenSIPS' tm names them). */
export interface TransactionConfig {
  readonly t1: number;
  readonly t2: number;
  readonly t4: number;
  /** How long a destination may stay silent (timers B and F). */
  readonly frTimeout: number;
  /** How long a call may ring: the lesser of fr_inv_timeout and timer C. */
  readonly frInvTimeout: number;
  /** Transactions held at most, large ones counted as several; requests beyond are answered 503 without state. */
  readonly maxTransactions: number;
  /** Whether a reply over UDP must come from the address the request went to (tm.strict_reply_source). */
  readonly strictReplySource: boolean;
}
