import type { SipMessage } from '../sip/message.js';
import type { ResolvedTarget } from '../sip/target.js';
import type { Source } from '../sip/transport/transport.js';
import type { HopFailure, NextHop, RelayPlan, RouteOrigin } from './decision.js';

/** Hears what becomes of requests: call records and metrics are made of it. Called on the hot path; must not throw. */
export interface ProxyObserver {
  /** A request is about to be relayed with state. The watch hears of the rest; undefined: nobody wants to. */
  relayed(message: SipMessage, source: Source, plan: RelayPlan): RelayWatch | undefined;
  /** A request got a final reply of the proxy itself and goes nowhere. `origin` says which rule or script decided, if one did. */
  refused(message: SipMessage, source: Source, code: number, reason: string, origin: RouteOrigin | undefined): void;
}

/** Hears of one request that is relayed. A hop is the same object in all calls about it. */
export interface RelayWatch {
  /** The request leaves for a hop; once more for each further address of the same hop. */
  sent(hop: NextHop, target: ResolvedTarget): void;
  /** A provisional reply above 100. */
  provisional(hop: NextHop, code: number): void;
  /** A hop, or one of its addresses, did not take the request. */
  failed(hop: NextHop, failure: HopFailure): void;
  /** A hop is left out without having been sent to: 473 no address of it is allowed, 480 it is not reachable by TLS. */
  passedOver(hop: NextHop, code: number): void;
  /** The caller gave up. */
  cancelled(): void;
  /** The caller got its final reply, from `hop` or (undefined) the best of the failures or one of our own. */
  ended(code: number, hop: NextHop | undefined): void;
}
