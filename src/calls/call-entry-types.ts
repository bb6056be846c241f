/** Call records as they are shown; types only, for the page in the browser too. */

/** Who ended an answered call. `unknown`: no BYE passed while the call was remembered. */
export type HungUp = 'caller' | 'callee' | 'unknown';

/** One hop of a call record as it is shown. Times in milliseconds. */
export type TryEntry = {
  readonly destination: string;
  readonly partition?: string;
  readonly set?: number;
  /** "udp:10.0.0.2:5060"; absent where nothing was sent. */
  readonly address?: string;
  /** Final status code, received or chosen by the proxy; absent where there was none. */
  readonly code?: number;
  /** Whether the code is the proxy's own: nothing final was received. */
  readonly local?: true;
  /** "timeout", "refused", "tls", "dns", "send", "cancelled", "blacklisted", "no tls" */
  readonly cause?: string;
  /** From the arrival of the request to the start of this try. */
  readonly after_ms: number;
  /** From sending to the final reply or failure. */
  readonly ms?: number;
  /** From sending to its first reply above 100. */
  readonly first_ms?: number;
};

/** A call record as it is shown, published and written: schemas/calls/call-record.schema.json. */
export type CallEntry = {
  /** Grows with each record that is new or has changed. */
  readonly seq: number;
  /** When the request came, ISO 8601. */
  readonly time: string;
  readonly node: string;
  readonly method: string;
  readonly call_id: string;
  readonly from: string;
  readonly to: string;
  readonly ruri: string;
  /** "udp:10.0.0.1:5060" */
  readonly source: string;
  readonly partition?: string;
  readonly sets?: readonly number[];
  readonly algorithm?: number;
  /** JSON pointer of the routing rule in the settings, or "script". */
  readonly rule?: string;
  readonly tries: readonly TryEntry[];
  /** Hops beyond those listed. */
  readonly more_tries?: number;
  /** Final code the caller got; 0 where the request was forwarded without state. */
  readonly code: number;
  /** Forwarded without state: its replies were not followed. */
  readonly stateless?: true;
  /** Why nothing was dispatched, or what ended the request. */
  readonly reason?: string;
  readonly cancelled?: true;
  /** From the request to its final reply. */
  readonly ms: number;
  /** From the request to its first 18x. */
  readonly ring_ms?: number;
  /** Whether the call is answered, stays in the path and goes on. */
  readonly in_progress?: true;
  readonly duration_ms?: number;
  readonly hung_up?: HungUp;
};
