import type { ResolvedAddress } from '../../engine/destination.js';
import type { CountedCall } from '../../engine/selection.js';
import type { StateTable } from '../../engine/state.js';
import {
  type AfterFailure,
  type HopFailure,
  type NextHop,
  plainHop,
  type RelayPlan,
  type RouteOrigin,
} from '../../proxy/decision.js';
import type { SipMessage } from '../../sip/message.js';
import type { TextEdit } from '../../sip/reply.js';
import type { LooseRoute } from './dialog.js';
import type { Passage } from './dialog-gate.js';
import type { Redirects } from './redirects.js';
import type { CompiledRule } from './rule.js';

/** Whether an address is on one of the named blacklists. */
export type BlacklistCheck = (lists: readonly string[], address: ResolvedAddress) => boolean;

/** Starts following the redirections of a request; undefined when the rule does not follow them. */
export type RedirectsOf = (() => Redirects | undefined) | undefined;

const MARKS = { a: 'active', i: 'inactive', p: 'probing' } as const;

/** How a rule relays a request: to the destinations it selected, in order; marks those that fail. */
export class RulePlan implements RelayPlan {
  readonly recordRoute: boolean;
  readonly noHop: { readonly code: number; readonly reason: string };
  readonly portable: boolean;
  private tried = 0;
  private redirects: Redirects | undefined = undefined;

  constructor(
    private readonly compiled: CompiledRule,
    /** The first hop, or several to be tried in parallel. */
    private first: readonly NextHop[] | undefined,
    private readonly following: () => NextHop | undefined,
    readonly edits: readonly TextEdit[],
    private readonly states: StateTable,
    private readonly blocked: BlacklistCheck,
    /** The call that counts as load of its destination, when the algorithm uses call load. */
    private readonly call?: CountedCall | undefined,
    private readonly redirectsOf?: RedirectsOf,
    readonly origin?: RouteOrigin,
  ) {
    // A call that counts as load needs Record-Route, so that its BYE passes through this proxy.
    this.recordRoute = compiled.rule.recordRoute || call !== undefined;
    this.noHop = compiled.rule.reject;
    this.portable = redirectsOf === undefined;
  }

  next(): NextHop | readonly NextHop[] | undefined {
    const redirected = this.redirects?.next();
    if (redirected !== undefined) return redirected;
    const max = this.compiled.rule.failover.max ?? Number.POSITIVE_INFINITY;
    if (this.tried >= max) return undefined;
    const first = this.first;
    if (first === undefined) {
      this.tried++;
      return this.following();
    }
    this.first = undefined;
    const hops = first.length > max ? first.slice(0, max) : first;
    this.tried = hops.length;
    return hops.length === 1 ? hops[0] : hops;
  }

  failed(hop: NextHop, failure: HopFailure, reply?: SipMessage): AfterFailure {
    if (this.redirectsOf !== undefined) {
      const { redirects, verdict } = redirected(this.redirects, this.redirectsOf, failure, reply);
      this.redirects = redirects;
      if (verdict !== undefined) return verdict;
    }
    // A destination that could not be reached at all has failed, whatever codes are listed, since no one answered.
    const unreachable = failure.local && failure.code !== 408;
    const silent = failure.local && failure.code === 408;
    const failsOver = silent ? this.compiled.failsOverOnTimeout : this.compiled.failsOver(failure.code);
    if (!unreachable && !failsOver) return false;
    const { mark } = this.compiled.rule.failover;
    if (mark !== undefined && hop.destination !== undefined) {
      this.states.apply({
        destination: hop.destination,
        kind: 'set',
        to: MARKS[mark],
        origin: 'traffic',
        // The text of OpenSIPS for a mark during failover, which receivers of events know.
        reason: 'script function ds_mark()',
        code: failure.code,
        cause: failure.cause,
      });
    }
    return true;
  }

  ended(code: number): void {
    if (this.call === undefined) return;
    if (code >= 200 && code < 300) this.call.confirm();
    else this.call.end();
  }

  allowed(address: ResolvedAddress): boolean {
    const lists = this.compiled.rule.useBlacklist;
    return lists.length === 0 || !this.blocked(lists, address);
  }
}

/** A request that goes to one URI: for requests inside dialogs, and for rules without a selection. */
export class UriPlan implements RelayPlan {
  readonly noHop = { code: 404, reason: 'Not Found' } as const;
  readonly portable: boolean;
  private redirects: Redirects | undefined = undefined;

  constructor(
    private hop: NextHop | undefined,
    readonly recordRoute: boolean,
    readonly edits: readonly TextEdit[],
    private readonly redirectsOf?: RedirectsOf,
    readonly origin?: RouteOrigin,
  ) {
    this.portable = redirectsOf === undefined;
  }

  next(): NextHop | undefined {
    const hop = this.hop ?? this.redirects?.next();
    this.hop = undefined;
    return hop;
  }

  failed(_hop: NextHop, failure: HopFailure, reply?: SipMessage): AfterFailure {
    if (this.redirectsOf === undefined) return false;
    const { redirects, verdict } = redirected(this.redirects, this.redirectsOf, failure, reply);
    this.redirects = redirects;
    return verdict ?? false;
  }
}

/** A request inside a dialog that follows its recorded Route. */
export class DialogPlan extends UriPlan {
  constructor(
    { hop, edits }: LooseRoute,
    recordRoute: boolean,
    private readonly passage: Passage,
    origin: RouteOrigin,
  ) {
    super(plainHop(hop.uri, hop.requestUri, hop.socket, hop.flow, passage.tags), recordRoute, edits, undefined, origin);
  }

  allowed(address: ResolvedAddress): boolean {
    return this.passage.allowed(address);
  }
}

/** The consequence of a failure while redirections are followed; undefined where they do not decide. */
function redirected(
  known: Redirects | undefined,
  redirectsOf: NonNullable<RedirectsOf>,
  { code }: HopFailure,
  reply: SipMessage | undefined,
): { readonly redirects: Redirects | undefined; readonly verdict: AfterFailure | undefined } {
  const redirects = known ?? (code < 400 ? redirectsOf() : undefined);
  const followed = reply === undefined ? undefined : redirects?.follow(reply);
  // The target of a redirection has failed: the next one is tried, unless the code is a 6xx.
  const verdict = followed ?? (code < 600 && redirects?.pending === true ? true : undefined);
  return { redirects, verdict };
}
