import type { ResolvedAddress } from '../../engine/destination.js';
import type { AfterFailure, HopFailure, NextHop, RelayPlan, RouteOrigin } from '../../proxy/decision.js';
import { failureRank } from '../../proxy/preference.js';
import type { SipMessage } from '../../sip/message.js';
import { reasonPhrase } from '../../sip/reply.js';
import type { ResolvedTarget } from '../../sip/target.js';
import { execute } from './execute.js';
import { FailureRoute } from './failure-route.js';
import { ReplyRoute } from './reply-route.js';
import type { ScriptCall } from './script-call.js';

const SCRIPT: RouteOrigin = { rule: 'script' };
const FAILED: AfterFailure = { code: 500, reason: reasonPhrase(500) };

interface Failed {
  readonly failure: HopFailure;
  readonly reply: SipMessage | undefined;
}

/** How a script relays: to the hops its routes chose. Its failure route runs after each attempt that failed. */
export class ScriptPlan implements RelayPlan {
  /** Each hop has its own header edits, since a later route may add more. */
  readonly edits = [];
  readonly noHop = { code: 500, reason: reasonPhrase(500) } as const;
  readonly origin = SCRIPT;
  /** Number of hops of the current attempt that have not ended. */
  private pending = 0;
  /** The failure for which the failure route runs when all hops have ended. */
  private worst: Failed | undefined;
  /** Redirections among the replies in the current attempt. */
  private redirections: SipMessage[] | undefined;
  /** Whether no hop of the last attempt could be sent to, since all were on black lists. */
  private allSkipped = false;

  constructor(private readonly call: ScriptCall) {}

  get recordRoute(): boolean {
    return this.call.recordRoute;
  }

  next(): NextHop | readonly NextHop[] | undefined {
    const { call } = this;
    const hops = call.hops.splice(0);
    if (hops.length === 0 && this.allSkipped) {
      const following = call.following();
      if (following !== undefined) hops.push(following);
    }
    this.pending = hops.length;
    this.worst = undefined;
    this.redirections = undefined;
    this.allSkipped = false;
    return hops.length > 1 ? hops : hops[0];
  }

  failed(_hop: NextHop, failure: HopFailure, reply?: SipMessage): AfterFailure | Promise<AfterFailure> {
    if (reply !== undefined && reply.status < 400) this.redirections = [...(this.redirections ?? []), reply];
    const { worst } = this;
    if (worst === undefined || failureRank(failure.code) < failureRank(worst.failure.code)) {
      this.worst = { failure, reply };
    }
    return this.branchEnded();
  }

  withdrawn(): AfterFailure | Promise<AfterFailure> {
    return this.branchEnded();
  }

  /**
   * A hop has ended. After the last hop of an attempt the failure route runs once, for the reply that the caller would
   * get.
   */
  private branchEnded(): AfterFailure | Promise<AfterFailure> {
    if (--this.pending > 0) return true;
    const { worst } = this;
    if (worst !== undefined) return this.runFailureRoute(worst);
    this.allSkipped = true;
    return true;
  }

  private runFailureRoute({ failure, reply }: Failed): AfterFailure | Promise<AfterFailure> {
    const { call } = this;
    const name = call.armed.failure;
    if (name === undefined) return false;
    // The failure route runs again for what it relays only if it calls t_on_failure() again.
    call.armed.failure = undefined;
    const handler = call.script.routes.failure?.[name];
    if (handler === undefined) return false;
    const { pvars } = call;
    pvars.replyCode = failure.code;
    pvars.replyReason = reply?.reason ?? reasonPhrase(failure.code);
    pvars.destinationUri = call.nextHopOfRequest;
    call.branches.take();
    call.reply = undefined;
    call.followed = undefined;
    const title = { script: call.script.file, route: `failure ${name}`, callId: call.callId };
    const route = new FailureRoute(call, title.route, failure, reply, this.redirections);
    const end = execute(title, () => handler(route), call.env.faults, call.env.clock);
    const decided = (how: typeof end): AfterFailure => {
      route.end();
      if (how === 'failed') return FAILED;
      return call.reply ?? (call.hops.length > 0 ? (call.followed ?? true) : false);
    };
    return end instanceof Promise ? end.then(decided) : decided(end);
  }

  ended(code: number): void {
    this.call.ended(code);
  }

  callerGaveUp(): void {
    this.call.cancelled = true;
  }

  cancelled(hop: NextHop, failure: HopFailure, reply?: SipMessage): AfterFailure | Promise<AfterFailure> {
    return this.failed(hop, failure, reply);
  }

  reply(_hop: NextHop, reply: SipMessage, target: ResolvedTarget): SipMessage | undefined {
    const name = this.call.armed.reply;
    return name === undefined ? reply : ReplyRoute.run(this.call, name, reply, target);
  }

  allowed(address: ResolvedAddress): boolean {
    const { blacklists, env } = this.call;
    return blacklists.length === 0 || !env.blocked(blacklists, address);
  }
}
