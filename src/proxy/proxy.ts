import { ipFamily } from '../core/ip-address.js';
import type { Logger } from '../core/logger.js';
import type { Random } from '../core/random.js';
import { parseUri, type SipUri, uriParam } from '../core/uri.js';
import type { LocalSockets } from '../sip/local-sockets.js';
import { parseMessage, type SipMessage, unfold } from '../sip/message.js';
import { applyEdits, reasonPhrase, type TextEdit } from '../sip/reply.js';
import type { Address, Resolver } from '../sip/resolve.js';
import { removeLast, routeSet } from '../sip/route-set.js';
import { TargetCache } from '../sip/target.js';
import type { Tally, TransactionLayer, TransactionUser } from '../sip/transaction/layer.js';
import type { InviteServer, ServerTransaction } from '../sip/transaction/server.js';
import type { SipSocket, Source } from '../sip/transport/transport.js';
import type { Via } from '../sip/via.js';
import { viaValues } from '../sip/via-values.js';
import type { AckRoute, NextHop, RouteDecision, RoutedRequest, Router } from './decision.js';
import type { DialogTokens } from './dialog-token.js';
import { forwardedRequest, hasTls, isSecure, loopHash, replyUpstream } from './forward.js';
import { hopAddress } from './hop-address.js';
import type { ProxyObserver } from './observer.js';
import { Relay } from './relay.js';
import { STATELESS, StatelessBranches, wayBack } from './stateless-branch.js';

export interface ProxyOptions {
  /** Answer INVITE with 100 at once (tm: auto_100trying). */
  readonly auto100: boolean;
  /** Bytes of a request beyond which TCP is tried before UDP; 0: never. */
  readonly udpMaxRequest: number;
  /** Whether our Via on UDP asks for replies to the port they are sent from (RFC 3581). */
  readonly localRport: boolean;
  /** Whether what is for a sips URI leaves by TLS and WSS only (RFC 3261 section 26.2.2, RFC 5630). */
  readonly sipsNeedsTls: boolean;
}

/** Counters of the proxy, added to on the hot path. */
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

/** The proxy core (RFC 3261 section 16): what happens to a request between its transactions. */
export class ProxyCore implements TransactionUser {
  private draining = false;
  /** Hears what becomes of requests; undefined: nobody does. */
  observer: ProxyObserver | undefined;
  readonly targets = new TargetCache();
  private readonly statelessBranches: StatelessBranches;
  /** Addresses that refused TCP, and until when that is remembered. */
  private readonly datagramOnly = new Map<string, number>();

  constructor(
    readonly layer: TransactionLayer,
    readonly sockets: LocalSockets,
    readonly resolver: Resolver,
    private router: Router,
    readonly counters: ProxyCounters,
    readonly options: ProxyOptions,
    readonly log: Logger,
    random: Random,
    /** Makes the tokens in our Record-Route; undefined: there are none. */
    readonly tokens: DialogTokens | undefined,
  ) {
    layer.user = this;
    this.statelessBranches = new StatelessBranches(layer.branchPrefix, random);
  }

  /** Replaces the router; requests under way keep the plan they have. */
  useRouter(router: Router): void {
    this.router = router;
  }

  /** From now on new calls are refused with 503; what is under way goes on. */
  drain(): void {
    this.draining = true;
  }

  /** Answers what has no final reply yet with 503, and asks the destinations it went to to stop ringing. */
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
      // Until it is known where the request goes, its transaction absorbs what comes again.
      this.trying(routed.transaction());
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
    if (to !== undefined) this.forwardStateless(routed, to.hop, false, to.edits);
  }

  private trying(server: ServerTransaction): void {
    if (server.invite && server.state === 'trying' && this.options.auto100) {
      server.replyWith(100, 'Giving it a try');
    }
  }

  onCancel(server: InviteServer | undefined): void {
    this.counters.cancels.value++;
    if (server === undefined) return;
    const relay = server.owner;
    if (relay instanceof Relay) relay.cancel();
    else if (server.state === 'proceeding' || server.state === 'trying') {
      // Not forwarded yet (still being resolved or routed): there is nobody to ask for the 487.
      server.replyWith(487, reasonPhrase(487));
      this.counted(487);
    }
  }

  onFurtherSuccess(reply: SipMessage, pass: (text: string) => void): void {
    pass(replyUpstream(reply));
  }

  onStrayReply(reply: SipMessage, source: Source): void {
    this.counters.strayReplies.value++;
    const { via } = reply;
    const below = secondVia(reply);
    if (via === undefined || below === undefined) return;
    const token = FLOW_PARAM.exec(reply.text.slice(via.start, via.end))?.[1];
    const way = wayBack(below, token);
    // What was relayed without state comes back the same way (RFC 3261 section 16.11), if it was we who relayed it.
    if (!this.statelessBranches.made(reply, below, way)) return;
    const flow = token === undefined ? undefined : this.sockets.flow(token);
    const family = ipFamily(way.address);
    const socket =
      flow?.socket ??
      (family === 0 ? undefined : this.sockets.choose({ transport: way.transport, family }, source.socket));
    if (socket === undefined) return;
    this.layer.counters.repliesSent.value++;
    const to = flow ?? way;
    socket.send(replyUpstream(reply), to.address, to.port, undefined, flow?.flow);
  }

  /**
   * The TCP socket for a request that is too large for UDP (RFC 3261 section 18.1.1); undefined when there is none, or when
   * the address has refused TCP lately.
   */
  streamFor(address: Address): SipSocket | undefined {
    const known = this.datagramOnly.get(`${address.address}|${address.port}`);
    if (known !== undefined && known > this.layer.now()) return undefined;
    return this.sockets.choose({ transport: 'tcp', family: address.family }, undefined);
  }

  /** TCP did not lead to an address: its large requests go by UDP for a while. */
  refusedStream(address: Address): void {
    if (this.datagramOnly.size >= MAX_DATAGRAM_ONLY) this.datagramOnly.clear();
    this.datagramOnly.set(`${address.address}|${address.port}`, this.layer.now() + DATAGRAM_ONLY_MS);
  }

  /**
   * Whether a request for a sips URI must not leave by a socket for want of TLS. Inside a dialog the route that was taken at
   * its start holds.
   */
  barred(message: SipMessage, { requestUri }: NextHop, socket: SipSocket): boolean {
    return isSecure(message, requestUri) && this.options.sipsNeedsTls && !hasTls(socket) && message.toTag === '';
  }

  /** Says with a 480 why (RFC 5630 section 5.3). */
  warning({ socket }: Source): string {
    return `Warning: 380 ${socket.sentBy} "SIPS Not Allowed"\r\n`;
  }

  /** Sends a reply of our own for a request, under a transaction that absorbs what follows. */
  answer(request: SipMessage, source: Source, code: number, reason: string, headers = ''): void {
    this.layer.serve(request, source).replyWith(code, reason, headers);
    this.counted(code);
  }

  /** Notes a final reply that went to a caller. */
  counted(code: number): void {
    const tally = this.counters.replies[Math.floor(code / 100)];
    if (tally !== undefined) tally.value++;
  }

  private carryOut(routed: Routed, decision: RouteDecision): void {
    const { message, source } = routed;
    // The caller may have given up while a router was thinking, and has been answered.
    if (routed.answered) return;
    if (message.maxForwards === 0 && (decision.kind === 'relay' || decision.kind === 'stateless')) {
      if (decision.kind === 'relay') decision.plan.ended?.(483);
      this.answerRouted(routed, 483);
      return;
    }
    if (message.method === 'CANCEL' && decision.kind !== 'stateless') {
      // It must follow its INVITE; one that is not known here has nothing to be cancelled (RFC 3261 section 16.10).
      if (decision.kind === 'relay') decision.plan.ended?.(481);
      this.answerRouted(routed, 481);
      return;
    }
    switch (decision.kind) {
      case 'relay': {
        const server = routed.transaction();
        const watch = this.observer?.relayed(message, source, decision.plan);
        this.trying(server);
        const relay = new Relay(this, server, message, source, decision.plan, watch);
        server.owner = relay;
        relay.start();
        return;
      }
      case 'stateless':
        this.counters.stateless.value++;
        // One that was begun while the decision was awaited would never end.
        routed.abandon();
        this.forwardStateless(routed, decision.hop, decision.recordRoute, decision.edits);
        return;
      case 'reply':
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
    this.log.error({ err: error, callId, method: routed.message.method }, 'routing failed, answered 500');
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
      const wanted = headerValues(request, 'proxy-require');
      return { code: 420, reason: reasonPhrase(420), headers: `Unsupported: ${wanted}\r\n` };
    }
    if (this.draining && request.toTag === '') {
      return { code: 503, reason: reasonPhrase(503), headers: 'Retry-After: 10\r\n' };
    }
    return this.loops(request, source) ? { code: 482, reason: reasonPhrase(482) } : undefined;
  }

  /** A request that has been here before with nothing changed that decides where it goes (section 16.3 step 4). */
  private loops(request: SipMessage, source: Source): boolean {
    const prefix = this.layer.branchPrefix;
    const { text, via } = request;
    // Where there is but one Via no other one need be looked for.
    const at = request.viaFields === 1 && via?.more === false ? via.branchStart : text.indexOf(prefix);
    if (at < 0 || at > request.headersEnd || !text.startsWith(prefix, at)) return false;
    const wanted = `.${loopHash(request, source)}`;
    for (const { branch } of viaValues(request)) {
      if (!branch.startsWith(prefix)) continue;
      if (branch.endsWith(wanted) || branch.endsWith(wanted + STATELESS)) return true;
    }
    return false;
  }

  private forwardStateless(routed: Routed, hop: NextHop, recordRoute: boolean, edits: readonly TextEdit[]): void {
    const known = hopAddress(hop, routed.message, this.resolver);
    if (typeof known === 'number') {
      this.refuseStateless(routed, known);
      return;
    }
    if (known !== undefined) {
      this.sendStateless(routed, hop, known, recordRoute, edits);
      return;
    }
    this.resolver.resolve(parseUri(hop.uri) as SipUri, (result) => {
      const first = result instanceof Error ? undefined : result[0];
      if (first !== undefined) this.sendStateless(routed, hop, first, recordRoute, edits);
      else this.refuseStateless(routed, 500);
    });
  }

  /** Nothing is remembered of a request that cannot go on; one that comes again is answered again. */
  private refuseStateless({ message, source }: Routed, code: number): void {
    const headers = code === 480 ? this.warning(source) : '';
    this.layer.replyStateless(message, source, code, reasonPhrase(code), headers);
    if (message.method !== 'ACK') this.counted(code);
  }

  private sendStateless(
    routed: Routed,
    hop: NextHop,
    address: Address,
    recordRoute: boolean,
    edits: readonly TextEdit[],
  ): void {
    const { message, source } = routed;
    const socket = hop.flow?.socket ?? this.sockets.choose(address, hop.socket ?? source.socket);
    if (socket === undefined || this.barred(message, hop, socket)) {
      this.refuseStateless(routed, socket === undefined ? 500 : 480);
      return;
    }
    const text = forwardedRequest({
      message,
      source,
      socket,
      branch: this.statelessBranches.make(message, source, loopHash(message, source)),
      flow: source.flow?.id,
      rport: this.options.localRport,
      requestUri: hop.requestUri,
      recordRoute,
      tokens: this.tokens,
      edits,
      hopEdits: hop.edits,
      maxForwards: hop.maxForwards,
    });
    this.layer.counters.requestsSent.value++;
    socket.send(text, address.address, address.port, undefined, hop.flow?.flow, address.name);
  }
}

/** Milliseconds, and addresses at most, that a refusal of TCP is remembered for. */
const DATAGRAM_ONLY_MS = 300_000;
const MAX_DATAGRAM_ONLY = 10_000;
/** In our Via: the connection a request came in on, whose replies must leave by it (RFC 3261 section 18.2.2). */
const FLOW_PARAM = /;i=([0-9a-z]+)/;

/** A request on its way through a router. */
class Routed implements RoutedRequest {
  readonly message: SipMessage;
  readonly requestUri: string;
  readonly strictRoute: SipUri | undefined;
  private server: ServerTransaction | undefined = undefined;

  constructor(
    private readonly proxy: ProxyCore,
    /** What the transaction is matched by. */
    private readonly received: SipMessage,
    readonly source: Source,
  ) {
    const restored = received.routeLine < 0 ? undefined : strictRoute(received, proxy.sockets);
    this.message = restored ?? received;
    this.requestUri = this.message.requestUri;
    this.strictRoute = restored === undefined ? undefined : received.parsedUri;
  }

  transaction(): ServerTransaction {
    return (this.server ??= this.proxy.layer.serve(this.received, this.source));
  }

  /** Whether a transaction was begun and has its final reply. */
  get answered(): boolean {
    return this.server !== undefined && this.server.request === undefined;
  }

  /** Forgets a transaction that was begun and will not be answered. */
  abandon(): void {
    this.server?.abandon();
  }
}

/** Schemes a request-URI may have (RFC 3261 section 16.3 step 2). */
const KNOWN_SCHEME = /^(?:sips?|tel):/i;

/** The values of all fields of a name in one line. */
function headerValues(message: SipMessage, name: string): string {
  const values: string[] = [];
  for (const field of message.fields(name)) values.push(unfold(message.text.slice(field.value, field.end)).trim());
  return values.join(', ');
}

/**
 * A strict router put our Record-Route URI into the request-URI and the real one last into Route (RFC 3261 section 16.4).
 * Returns the request as it would have come from a loose one; undefined when there is nothing to undo.
 */
function strictRoute(message: SipMessage, sockets: LocalSockets): SipMessage | undefined {
  const uri = message.parsedUri;
  if (uri === undefined || uriParam(uri.params, 'lr') === undefined || !sockets.isOurs(uri)) return undefined;
  const routes = routeSet(message);
  const last = routes[routes.length - 1];
  if (last?.uri === undefined) return undefined;
  const head = `${message.method} ${last.text} SIP/2.0\r\n`;
  return parseMessage(head + applyEdits(message.text, message.headersStart, removeLast(routes)));
}

function secondVia(reply: SipMessage): Via | undefined {
  let seen = 0;
  for (const via of viaValues(reply)) if (seen++ === 1) return via;
  return undefined;
}
