import type { Destination } from '../engine/destination.js';

/** One probe to send: a request outside dialogs, with Content-Length 0. */
export interface ProbeRequest {
  readonly destination: Destination;
  /** "OPTIONS" unless configured otherwise (ds_ping_method). */
  readonly method: string;
  /** Request-URI and To: the URI of the row unchanged, with user part and parameters, as recorded. */
  readonly uri: string;
  /** From URI (ds_ping_from). */
  readonly from: string;
  /** Local socket to send from, "[proto:]host[:port]"; undefined: any suitable one. */
  readonly socket: string | undefined;
  /** Whether the socket's protocol is used even if the URI names another one. */
  readonly socketDecides?: boolean;
  /** Name of the local socket; takes precedence over `socket`. */
  readonly sockname?: string | undefined;
  /** SIP URI that the probe is sent to instead of `uri`. */
  readonly nextHop?: string | undefined;
  /** Whether to add a Contact with the address that the socket advertises. */
  readonly contact?: boolean;
  /** Further header lines, without line breaks. */
  readonly headers?: readonly string[];
  readonly maxForwards: number;
  /** Milliseconds after which the prober cancels the probe. */
  readonly timeoutMs: number;
}

/** Why a probe got no final reply. */
export type ProbeFault = 'timeout' | 'refused' | 'tls' | 'dns' | 'send';

/** How a probe ended. */
export interface ProbeOutcome {
  /** Final status code; without a reply, 408 for a timeout and 503 otherwise (RFC 3261 section 8.1.3.1). */
  readonly code: number;
  /** Why no reply came; undefined when the gateway sent a final reply. */
  readonly cause?: ProbeFault | undefined;
  /** Round trip in milliseconds; where the sender leaves it out, the prober measures it. */
  readonly rtt?: number | undefined;
  /** For the log: the reason phrase of the reply, or the error of the transport. */
  readonly reason?: string | undefined;
}

/**
 * Sends a probe. Calls `done` once, with the final reply or the fault, possibly before it returns. Returns a function
 * that cancels the probe: then nothing more is sent and `done` is not called. When it throws, that counts as fault
 * "send".
 */
export type ProbeSender = (probe: ProbeRequest, done: (outcome: ProbeOutcome) => void) => () => void;
