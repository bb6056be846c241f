import type { RouteOrigin } from '../proxy/decision.js';
import type { HungUp } from './call-entry-types.js';

/** One attempt to send a request to a hop. Times are in milliseconds since the request came. */
export interface RecordedTry {
  readonly uri: string;
  readonly partition: string | undefined;
  /** -1 for a hop without a destination. */
  readonly set: number;
  /** Where it was sent to; '' and port 0 where nothing was sent. */
  readonly address: string;
  readonly port: number;
  readonly transport: string;
  readonly at: number;
  /** When the first reply above 100 came, and when the attempt ended; -1: never. */
  readonly first: number;
  readonly end: number;
  /** Final code of this hop; 0 while there is none. */
  readonly code: number;
  /** Whether the proxy generated the code. */
  readonly local: boolean;
  readonly cause: string | undefined;
  /** The hop was skipped: nothing was sent to it. */
  readonly skipped: boolean;
}

/** What happened to one request. It is made from the store when somebody reads it. */
export interface CallRecord {
  /** Number of the last change; it grows with each change of any record. */
  readonly changed: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Header lines of the request, at least the request line, From, To and Call-ID. */
  readonly text: string;
  readonly address: string;
  readonly port: number;
  readonly transport: string;
  readonly origin: RouteOrigin | undefined;
  readonly tries: readonly RecordedTry[];
  /** How many attempts beyond those noted there were. */
  readonly moreTries: number;
  /** Final status code sent to the caller; 0 where the request was forwarded without state. */
  readonly code: number;
  /** The reason phrase, where the proxy refused the request. */
  readonly reason: string;
  /** Milliseconds from the request to its first 18x (-1: none) and to its final reply. */
  readonly ringing: number;
  readonly end: number;
  readonly wasCancelled: boolean;
  /** Forwarded without state: its replies are not seen. */
  readonly stateless: boolean;
  /** The call was answered and is followed until its BYE. */
  readonly inDialog: boolean;
  /** Milliseconds from the 2xx to the BYE; -1 where one of them was not seen. */
  readonly duration: number;
  readonly hungUp: HungUp | undefined;
}
