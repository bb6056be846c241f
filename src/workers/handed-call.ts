import type { HopFailure, NextHop, RelayPlan } from '../proxy/decision.js';
import type { RelayWatch } from '../proxy/observer.js';
import type { SipMessage } from '../sip/message.js';
import type { Source } from '../sip/transport/transport.js';

/** A request that a worker forwards by the brain's plan. */
export interface HandedCall {
  readonly message: SipMessage;
  readonly source: Source;
  readonly plan: RelayPlan;
  readonly watch: RelayWatch | undefined;
  /** The hop it was last sent to. */
  hop: NextHop;
}

/** A plan whose first hop has been taken already, but which this process carries out after all. */
export class BegunPlan implements RelayPlan {
  readonly edits: RelayPlan['edits'];
  readonly recordRoute: boolean;
  readonly noHop: RelayPlan['noHop'];
  readonly origin: RelayPlan['origin'];

  constructor(
    private readonly plan: RelayPlan,
    private first: ReturnType<RelayPlan['next']>,
  ) {
    this.edits = plan.edits;
    this.recordRoute = plan.recordRoute;
    this.noHop = plan.noHop;
    this.origin = plan.origin;
  }

  next(): ReturnType<RelayPlan['next']> {
    const { first } = this;
    if (first === undefined) return this.plan.next();
    this.first = undefined;
    return first;
  }

  failed(hop: NextHop, failure: HopFailure, reply?: SipMessage): ReturnType<RelayPlan['failed']> {
    return this.plan.failed(hop, failure, reply);
  }

  ended(code: number): void {
    this.plan.ended?.(code);
  }

  allowed(address: Parameters<NonNullable<RelayPlan['allowed']>>[0]): boolean {
    return this.plan.allowed?.(address) ?? true;
  }
}
