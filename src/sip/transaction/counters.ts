/** A counter; code on the hot path adds to it. */
export interface Tally {
  value: number;
}

/** Counters of the transaction layer since the start. */
export interface LayerCounters {
  readonly requestsReceived: Tally;
  readonly repliesReceived: Tally;
  readonly requestsSent: Tally;
  readonly repliesSent: Tally;
  /** Bytes that were not a SIP message, and messages too broken to answer. */
  readonly dropped: Tally;
  /** Malformed requests answered with 400. */
  readonly badRequests: Tally;
  readonly overload: Tally;
  /** Requests refused because little room was left and their source holds the most transactions. */
  readonly share: Tally;
  readonly retransmissions: Tally;
  /** Replies that have the branch of one of our requests but do not match it: dropped. */
  readonly forgedReplies: Tally;
  /** UDP replies from another address than the request was sent to. */
  readonly repliesFromElsewhere: Tally;
}

/** Numbers of transactions in a process. */
export interface TransactionFigures {
  servers: number;
  clients: number;
  /** Server transactions without a final reply. */
  unanswered: number;
  /** The sum of what transactions count in addition to 1, because of large messages. */
  surplus: number;
}
