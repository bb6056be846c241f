import type { SipMessage } from '../sip/message.js';
import type { ResolvedTarget } from '../sip/target.js';
import type { Source } from '../sip/transport/transport.js';
import type { HopFailure, NextHop, RelayPlan, RouteOrigin } from './decision.js';

/** Receives the outcome of requests, for call records and metrics. Called on the hot path; must not throw. */
export interface ProxyObserver {
  /** A request is about to be relayed with state. The returned watch receives its further events; undefined: none. */
  relayed(message: SipMessage, source: Source, plan: RelayPlan): RelayWatch | undefined;
  /** A request outside a dialog was forwarded without state: its replies are not followed. */
  forwarded(message: SipMessage, source: Source, hop: NextHop, target: ResolvedTarget, origin?: RouteOrigin): void;
  /**
   * This proxy sent a final reply without forwarding the request. `origin`: the rule or script that decided, if any.
   */
  refused(message: SipMessage, source: Source, code: number, reason: string, origin: RouteOrigin | undefined): void;
}

/** Receives the events of one relayed request. All events of a hop get the same `NextHop` object. */
export interface RelayWatch {
  /** The request is sent to a hop; called again for each further address of the same hop. */
  sent(hop: NextHop, target: ResolvedTarget): void;
  /** A provisional reply above 100. */
  provisional(hop: NextHop, code: number): void;
  /** A hop, or one of its addresses, failed. */
  failed(hop: NextHop, failure: HopFailure): void;
  /**
   * A hop was skipped before anything was sent. 473: none of its addresses is allowed; 480: it cannot be reached by
   * TLS.
   */
  hopSkipped(hop: NextHop, code: number): void;
  /** The caller sent CANCEL. */
  cancelled(): void;
  /**
   * The caller got its final reply: the one of `hop`, or (undefined) the best failure or a generated one. `lost`: how
   * attempts without a final reply ended; undefined: they were cancelled.
   */
  ended(code: number, hop: NextHop | undefined, lost?: HopFailure): void;
}
