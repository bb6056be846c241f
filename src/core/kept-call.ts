/** What the record of a whole call would say, as another process keeps it. */
export interface KeptCall {
  readonly callId: string;
  /** Milliseconds from the answer to its timeout. */
  readonly lifetimeMs: number;
  readonly text: string;
}
