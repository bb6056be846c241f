/** The content of the record of a whole call, kept by another process. */
export interface KeptCall {
  readonly callId: string;
  /** Milliseconds from the answer to its timeout. */
  readonly lifetimeMs: number;
  readonly text: string;
}
