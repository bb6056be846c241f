import type { RouteOrigin } from '../proxy/decision.js';
import type { HungUp } from './call-entry-types.js';

/** One hop that a request was sent to, or was to be sent to. Times are milliseconds since the request came. */
export interface RecordedTry {
  readonly uri: string;
  readonly partition: string | undefined;
  /** -1 for a hop that stands for no destination. */
  readonly set: number;
  /** Where it was sent to; '' and port 0 where nothing was sent. */
  readonly address: string;
  readonly port: number;
  readonly transport: string;
  readonly at: number;
  /** First reply above 100, and the end; -1 where there was none. */
  readonly first: number;
  readonly end: number;
  /** Final code of this hop; 0 while there is none. */
  readonly code: number;
  /** Whether the code is our own. */
  readonly local: boolean;
  readonly cause: string | undefined;
  /** The hop was skipped: nothing was sent to it. */
  readonly passedOver: boolean;
}

/** What became of one request: read from the store when somebody asks. */
export interface CallRecord {
  /** Grows with each record that is new or has changed. */
  readonly changed: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Request line, From, To and Call-ID of the request at least; as header lines. */
  readonly text: string;
  readonly address: string;
  readonly port: number;
  readonly transport: string;
  readonly origin: RouteOrigin | undefined;
  readonly tries: readonly RecordedTry[];
  /** Hops beyond those noted. */
  readonly moreTries: number;
  /** Final code the caller got; 0 where it was forwarded without state. */
  readonly code: number;
  /** Why, for replies of our own: the reason phrase of a refusal. */
  readonly reason: string;
  /** Milliseconds since the request came; `ringing` is -1 where it did not ring. */
  readonly ringing: number;
  readonly end: number;
  readonly wasCancelled: boolean;
  /** Forwarded without state: nothing of its replies is seen. */
  readonly stateless: boolean;
  /** An answered call whose end will be seen. */
  readonly inDialog: boolean;
  /** Milliseconds from the 2xx to the BYE; -1 where that is not known. */
  readonly duration: number;
  readonly hungUp: HungUp | undefined;
}
