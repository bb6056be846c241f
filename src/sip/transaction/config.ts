/**
 * Timers in milliseconds (RFC 3261 section 17.1.1.1). fr_timeout and fr_inv_timeout are named as in the tm module of
 * OpenSIPS.
 */
export interface TransactionConfig {
  readonly t1: number;
  readonly t2: number;
  readonly t4: number;
  /** How long a destination may send nothing (timers B and F). */
  readonly frTimeout: number;
  /** How long a call may ring: the smaller of fr_inv_timeout and timer C. */
  readonly frInvTimeout: number;
  /**
   * Maximum number of transactions; one that keeps large messages counts as several. Further requests are answered 503
   * without state.
   */
  readonly maxTransactions: number;
  /** Whether a reply over UDP must come from the address the request went to (tm.strict_reply_source). */
  readonly strictReplySource: boolean;
}
