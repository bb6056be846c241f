/** A counter as the hot path adds to it. */
export interface Tally {
  value: number;
}

/** What the transaction layer counts since the start. */
export interface LayerCounters {
  readonly requestsReceived: Tally;
  readonly repliesReceived: Tally;
  readonly requestsSent: Tally;
  readonly repliesSent: Tally;
  /** Bytes that were no SIP message, and messages too broken to answer. */
  readonly dropped: Tally;
  /** Malformed requests answered with 400. */
  readonly badRequests: Tally;
  readonly overload: Tally;
  /** Requests refused because their source holds the most transactions when there is hardly room for more. */
  readonly share: Tally;
  readonly retransmissions: Tally;
  /** Replies with a branch of ours that do not fit the request: dropped. */
  readonly forgedReplies: Tally;
  /** Replies over UDP from another address than the request went to. */
  readonly repliesFromElsewhere: Tally;
}

/** How many transactions a process holds. */
export interface TransactionFigures {
  servers: number;
  clients: number;
  /** Server transactions without a final reply. */
  unanswered: number;
  /** What large messages count beyond the one of their transaction. */
  surplus: number;
}
