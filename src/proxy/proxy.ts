import type { Logger } from '../core/logger.js';
import type { Random } from '../core/random.js';
import type { SipUri } from '../core/uri.js';
import type { LocalSockets } from '../sip/local-sockets.js';
import type { SipMessage } from '../sip/message.js';
import { reasonPhrase } from '../sip/reply.js';
import type { Resolver } from '../sip/resolve.js';
import { TargetCache } from '../sip/target.js';
import type { Tally } from '../sip/transaction/counters.js';
import type { TransactionLayer } from '../sip/transaction/layer.js';
import { InviteServer, type ServerTransaction } from '../sip/transaction/server.js';
import type { TransactionUser } from '../sip/transaction/user.js';
import type { Source } from '../sip/transport/transport.js';
import { viaValues } from '../sip/via-values.js';
import type { AckRoute, LocalReply, RelayPlan, RouteDecision, RoutedRequest, Router } from './decision.js';
import type { DialogTokens } from './dialog-token.js';
import { loopHash, replyUpstream } from './forward.js';
import { LargeRequests } from './large-requests.js';
import type { ProxyObserver } from './observer.js';
import { Relay } from './relay.js';
import { Sender, type SenderOptions } from './sender.js';
import { StatelessForwarder } from './stateless.js';
import { STATELESS } from './stateless-branch.js';
import { withoutStrictRoute } from './strict-route.js';

/** How the proxy forwards. */
export interface ProxyOptions extends SenderOptions {
  /** Answer INVITE with 100 (tm: auto_100trying). */
  readonly auto100: boolean;
  /**
   * Milliseconds to wait before sending 100, at most 200; another reply within that time makes the 100 unnecessary. 0:
   * sent at once.
   */
  readonly tryingDelay: number;
  /** Bytes of a request beyond which TCP is tried before UDP; 0: never. */
  readonly udpMaxRequest: number;
}

/** Counters of the proxy, incremented on the hot path. */
export interface ProxyCounters {
  readonly invites: Tally;
  readonly requests: Tally;
  readonly failovers: Tally;
  readonly cancels: Tally;
  readonly strayReplies: Tally;
  readonly stateless: Tally;
  /** Final replies given to callers, by class 1 to 6. */
  readonly replies: readonly Tally[];
}

/** Another process (a worker) that carries out decisions about the requests it has asked about. */
export interface DecisionDelegate {
  /**
   * Gives the request to the other process to relay; returns undefined when that process does it, else the plan to
   * relay it here.
   */
  relay(message: SipMessage, source: Source, plan: RelayPlan): RelayPlan | undefined;
  /** Whether the other process sends the reply. */
  reply(reply: LocalReply): boolean;
}

/** Fraction of T1 within which a 100 is sent: before callers retransmit their INVITE. */
const MAX_OF_T1 = 0.4;

/**
 * The proxy core (RFC 3261 section 16): handles a request between its server transaction and its client transactions.
 */
export class ProxyCore implements TransactionUser {
  private draining = false;
  private delegate: DecisionDelegate | undefined = undefined;
  readonly targets = new TargetCache();
  /** Sends requests, with a transaction or without. */
  readonly sender: Sender;
  readonly large: LargeRequests;
  private readonly stateless: StatelessForwarder;
  private readonly tryingDelay: number;

  constructor(
    readonly layer: TransactionLayer,
    readonly sockets: LocalSockets,
    resolver: Resolver,
    private router: Router,
    readonly counters: ProxyCounters,
    readonly options: ProxyOptions,
    readonly log: Logger,
    random: Random,
    /** Makes the tokens in our Record-Route; undefined: no tokens. */
    tokens: DialogTokens | undefined,
    /** Receives the outcome of requests. */
    private readonly observer: ProxyObserver | undefined = undefined,
  ) {
    layer.attach(this);
    this.tryingDelay = Math.min(options.tryingDelay, MAX_OF_T1 * layer.config.t1);
    this.sender = new Sender(sockets, resolver, options, tokens);
    this.large = new LargeRequests(options.udpMaxRequest, sockets, () => layer.now(), log);
    const counted = (code: number) => this.counted(code);
    this.stateless = new StatelessForwarder(layer, this.sender, random, counted, () => this.observer);
  }

  /** Replaces the router; pending requests keep the plan they have. */
  useRouter(router: Router): void {
    this.router = router;
  }

  /** Sets the process that carries out decisions where it can. */
  delegateTo(delegate: DecisionDelegate): void {
    this.delegate = delegate;
  }

  /** From now on new calls are answered with 503; pending requests continue. */
  drain(): void {
    this.draining = true;
  }

  /** Answers all requests that have no final reply with 503, and cancels their branches. */
  giveUp(): void {
    for (const server of this.layer.pending()) {
      const relay = server.owner;
      server.replyWith(503, reasonPhrase(503), 'Retry-After: 10\r\n');
      this.counted(503);
      if (relay instanceof Relay) relay.cancel();
      else (relay as { giveUp?: () => void } | undefined)?.giveUp?.();
    }
  }

  onRequest(request: SipMessage, source: Source): void {
    this.counters.requests.value++;
    if (request.method === 'INVITE') this.counters.invites.value++;
    const refusal = this.examine(request, source);
    if (refusal !== undefined) {
      this.observer?.refused(request, source, refusal.code, refusal.reason, undefined);
      this.answer(request, source, refusal.code, refusal.reason, refusal.headers);
      return;
    }
    const routed = new Routed(this, request, source);
    let decision: RouteDecision | Promise<RouteDecision>;
    try {
      decision = this.router.route(routed);
    } catch (error) {
      this.routeFailed(routed, error);
      return;
    }
    if (decision instanceof Promise) {
      // While the router decides, the server transaction absorbs retransmissions.
      const server = routed.transaction();
      if (this.router.decidesSoon !== true) this.trying(server);
      decision.then(
        (late) => this.carryOut(routed, late),
        (error) => this.routeFailed(routed, error),
      );
    } else {
      this.carryOut(routed, decision);
    }
  }

  onAck(request: SipMessage, source: Source): void {
    const hops = request.maxForwards;
    if (hops === 0 || Number.isNaN(hops)) return;
    const routed = new Routed(this, request, source);
    const to = this.router.routeAck(routed);
    if (to instanceof Promise) {
      to.then(
        (late) => this.forwardAck(routed, late),
        (error) => this.log.error({ err: error, callId: request.callId }, 'routing of an ACK failed, it was dropped'),
      );
    } else this.forwardAck(routed, to);
  }

  private forwardAck(routed: Routed, to: AckRoute | undefined): void {
    if (to !== undefined) {
      const { message, source } = routed;
      const { hop, edits, inDialog } = to;
      this.stateless.forward({
        message,
        source,
        hop,
        recordRoute: false,
        edits,
        origin: undefined,
        unanswered: inDialog,
      });
    }
  }

  private trying(server: ServerTransaction): void {
    if (this.options.auto100 && server instanceof InviteServer) server.tryWithin(this.tryingDelay);
  }

  onCancel(server: InviteServer | undefined): void {
    this.counters.cancels.value++;
    if (server === undefined) return;
    const relay = server.owner;
    if (relay instanceof Relay) relay.cancel();
    else if (server.state === 'proceeding' || server.state === 'trying') {
      // The request has no branch yet (it is being resolved or routed), so this proxy generates the 487.
      server.replyWith(487, reasonPhrase(487));
      this.counted(487);
    }
  }

  onFurtherSuccess(reply: SipMessage, pass: (text: string) => void): void {
    pass(replyUpstream(reply));
  }

  onStrayReply(reply: SipMessage, source: Source): void {
    this.counters.strayReplies.value++;
    this.stateless.reply(reply, source);
  }

  /** Sends a generated reply to a request in a server transaction, which absorbs retransmissions. */
  answer(request: SipMessage, source: Source, code: number, reason: string, headers = ''): void {
    this.layer.serve(request, source).replyWith(code, reason, headers);
    this.counted(code);
  }

  /** Counts a final reply sent to a caller. */
  counted(code: number): void {
    const tally = this.counters.replies[Math.floor(code / 100)];
    if (tally !== undefined) tally.value++;
  }

  /**
   * Forwards a CANCEL that matches no INVITE known here statelessly, to where the router sends it (RFC 3261 section
   * 16.10).
   */
  private cancelUnknown(routed: Routed, decision: RouteDecision): void {
    if (decision.kind === 'relay') {
      const { plan } = decision;
      const hops = plan.next();
      plan.ended?.(481);
      const [hop] = hops === undefined || 'uri' in hops ? [hops] : hops;
      if (hop !== undefined) {
        this.forwardStateless(routed, { hop, recordRoute: false, edits: plan.edits });
        return;
      }
    }
    this.answerRouted(routed, 481);
  }

  private forwardStateless(
    routed: Routed,
    { hop, recordRoute, edits, origin }: Omit<RouteDecision & { readonly kind: 'stateless' }, 'kind'>,
  ): void {
    const { message, source } = routed;
    this.counters.stateless.value++;
    // A server transaction that was created while waiting for the decision would never end.
    routed.abandon();
    this.stateless.forward({ message, source, hop, recordRoute, edits, origin, unanswered: false });
  }

  private carryOut(routed: Routed, decision: RouteDecision): void {
    const { message, source } = routed;
    // The caller may have cancelled while the router was deciding; then the request is answered already.
    if (routed.answered) return;
    if (message.maxForwards === 0 && (decision.kind === 'relay' || decision.kind === 'stateless')) {
      if (decision.kind === 'relay') decision.plan.ended?.(483);
      this.answerRouted(routed, 483);
      return;
    }
    if (message.method === 'CANCEL' && decision.kind !== 'stateless') {
      this.cancelUnknown(routed, decision);
      return;
    }
    const { delegate } = this;
    switch (decision.kind) {
      case 'relay': {
        // A request from a strict router is relayed here: only this process has the corrected message.
        const plan =
          delegate === undefined || routed.strictRoute !== undefined
            ? decision.plan
            : delegate.relay(message, source, decision.plan);
        if (plan === undefined) return;
        const server = routed.transaction();
        const watch = this.observer?.relayed(message, source, plan);
        this.trying(server);
        const relay = new Relay(this, server, message, source, plan, watch);
        server.owner = relay;
        relay.start();
        return;
      }
      case 'stateless':
        this.forwardStateless(routed, decision);
        return;
      case 'reply':
        if (delegate?.reply(decision) === true) {
          this.observer?.refused(message, source, decision.code, decision.reason, decision.origin);
          return;
        }
        routed.transaction().replyWith(decision.code, decision.reason, decision.headers);
        this.counted(decision.code);
        this.observer?.refused(message, source, decision.code, decision.reason, decision.origin);
        return;
      case 'taken':
        return;
      case 'drop':
        routed.abandon();
        return;
    }
  }

  private routeFailed(routed: Routed, error: unknown): void {
    const callId = routed.message.callId;
    this.log.error({ err: error, callId, method: routed.message.method }, 'routing failed, answered with 500');
    if (!routed.answered) this.answerRouted(routed, 500);
  }

  private answerRouted(routed: Routed, code: number): void {
    this.observer?.refused(routed.message, routed.source, code, reasonPhrase(code), undefined);
    routed.transaction().replyWith(code, reasonPhrase(code));
    this.counted(code);
  }

  /** Validation before anything is done with a request (RFC 3261 section 16.3). */
  private examine(request: SipMessage, source: Source): { code: number; reason: string; headers?: string } | undefined {
    const hops = request.maxForwards;
    if (hops === 0 && this.router.checksMaxForwards !== true) return { code: 483, reason: reasonPhrase(483) };
    if (Number.isNaN(hops) || hops > 255) return { code: 400, reason: 'Bad Request (malformed Max-Forwards header)' };
    if (request.parsedUri === undefined) {
      return KNOWN_SCHEME.test(request.requestUri)
        ? { code: 400, reason: 'Bad Request (malformed request-URI)' }
        : { code: 416, reason: reasonPhrase(416) };
    }
    if (request.hasProxyRequire) {
      const wanted = request.headers('proxy-require').join(', ');
      return { code: 420, reason: reasonPhrase(420), headers: `Unsupported: ${wanted}\r\n` };
    }
    if (this.draining && request.toTag === '') {
      return { code: 503, reason: reasonPhrase(503), headers: 'Retry-After: 10\r\n' };
    }
    return this.loops(request, source) ? { code: 482, reason: reasonPhrase(482) } : undefined;
  }

  /**
   * Whether the request was here before, with the same values in everything that decides where it is sent (section 16.3
   * step 4).
   */
  private loops(request: SipMessage, source: Source): boolean {
    const prefix = this.layer.branches.shared;
    const { text, via } = request;
    // With only one Via there are no others to search.
    const at = request.viaFields === 1 && via?.more === false ? via.branchStart : text.indexOf(prefix);
    if (at < 0 || at > request.headersEnd || !text.startsWith(prefix, at)) return false;
    const wanted = `.${loopHash(request, source)}`;
    for (const { branch } of viaValues(request)) {
      if (!branch.startsWith(prefix)) continue;
      if (branch.endsWith(wanted) || branch.endsWith(wanted + STATELESS)) return true;
    }
    return false;
  }
}

/** A request that is being routed. */
class Routed implements RoutedRequest {
  readonly message: SipMessage;
  readonly requestUri: string;
  readonly strictRoute: SipUri | undefined;
  private server: ServerTransaction | undefined = undefined;

  constructor(
    private readonly proxy: ProxyCore,
    /** The request as received, by which its transaction is matched. */
    private readonly received: SipMessage,
    readonly source: Source,
  ) {
    const restored = withoutStrictRoute(received, proxy.sockets);
    this.message = restored ?? received;
    this.requestUri = this.message.requestUri;
    this.strictRoute = restored === undefined ? undefined : received.parsedUri;
  }

  transaction(): ServerTransaction {
    return (this.server ??= this.proxy.layer.serve(this.received, this.source));
  }

  /** Whether a server transaction was created and has its final reply. */
  get answered(): boolean {
    return this.server !== undefined && this.server.request === undefined;
  }

  /** Ends a server transaction that was created but will not be answered. */
  abandon(): void {
    this.server?.abandon();
  }
}

/** Schemes a request-URI may have (RFC 3261 section 16.3 step 2). */
const KNOWN_SCHEME = /^(?:sips?|tel):/i;
