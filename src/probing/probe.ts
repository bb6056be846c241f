import type { Destination } from '../engine/destination.js';

/** One probe to be sent: a request outside any dialog, with Content-Length 0, to the URI as stored. */
export interface ProbeRequest {
  readonly destination: Destination;
  /** "OPTIONS" unless configured otherwise (ds_ping_method). */
  readonly method: string;
  /** Request-URI and To: the row's URI in full, user part and parameters included, as recorded. */
  readonly uri: string;
  /** From URI (ds_ping_from). */
  readonly from: string;
  /** "[proto:]host[:port]" of the local socket to send from; undefined: any that fits. */
  readonly socket: string | undefined;
  /** The protocol is that of the socket, whatever the URI says. */
  readonly socketDecides?: boolean;
  /** Name of that socket; it wins over `socket`. */
  readonly sockname?: string | undefined;
  /** SIP URI it is sent by way of. */
  readonly nextHop?: string | undefined;
  /** Whether it carries a Contact with the address its socket advertises. */
  readonly contact?: boolean;
  /** Further header lines, without their ends. */
  readonly headers?: readonly string[];
  readonly maxForwards: number;
  /** Milliseconds after which the prober gives up by itself and cancels. */
  readonly timeoutMs: number;
}

/** Why a probe failed other than by a reply. */
export type ProbeFault = 'timeout' | 'refused' | 'tls' | 'dns' | 'send';

/** How a probe ended. */
export interface ProbeOutcome {
  /** Final status code; without reply 408 for a timeout and 503 for the rest (RFC 3261 section 8.1.3.1). */
  readonly code: number;
  /** Set when no reply came; undefined for a final reply of the gateway. */
  readonly cause?: ProbeFault | undefined;
  /** Round trip in milliseconds; the prober measures it where the sender does not. */
  readonly rtt?: number | undefined;
  /** Reason phrase of the reply, or what the transport said. For logs. */
  readonly reason?: string | undefined;
}

/**
 * Sends a probe and calls `done` once with the final reply or the fault, also before it returns. The returned function
 * cancels: nothing is sent any more and `done` is not called. May throw, which counts as fault "send".
 */
export type ProbeSender = (probe: ProbeRequest, done: (outcome: ProbeOutcome) => void) => () => void;
