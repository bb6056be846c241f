import type { Clock } from '../../core/clock.js';
import { ipFamily } from '../../core/ip-address.js';
import type { Logger } from '../../core/logger.js';
import { hash32, Mixer, text32 } from '../../core/mix.js';
import type { Random } from '../../core/random.js';
import { bareHost } from '../../core/uri.js';
import { Admission, type TransactionRoom } from '../admission.js';
import { LONG_REQUEST_LINE, OTHER_VERSION, parseMessage, type SipMessage } from '../message.js';
import { buildReply, reasonPhrase, type ViaMarking } from '../reply.js';
import type { ResolvedTarget } from '../target.js';
import { TimerWheel } from '../timers.js';
import type { Flow, Receiver, Source } from '../transport/transport.js';
import { Branches, type BranchId, type BranchIdentity, highOf, lowOf } from './branch.js';
import {
  type CallerSide,
  type ClientTransaction,
  type ClientUser,
  InviteClient,
  NOBODY,
  NonInviteClient,
  upperKey,
} from './client.js';
import type { TransactionConfig } from './config.js';
import { Kind, Remnants } from './remnants.js';
import { misfit } from './reply-match.js';
import { InviteServer, NonInviteServer, replyPort, type ServerTransaction } from './server.js';
import { TransactionTable } from './table.js';
import { surplusOf } from './weight.js';

/** The application above: the proxy core. */
export interface TransactionUser {
  /** A request that belongs to no transaction, sound in form; a CANCEL only when its INVITE is not known. */
  onRequest(request: SipMessage, source: Source): void;
  /** An ACK that belongs to no INVITE we answered ourselves: one for a 2xx. */
  onAck(request: SipMessage, source: Source): void;
  /** A CANCEL for an INVITE that is known; it has been answered. Without `server` the INVITE has had its final reply. */
  onCancel(server: InviteServer | undefined): void;
  /** One more 2xx of an answered call; `pass` sends text to its caller. */
  onFurtherSuccess(reply: SipMessage, pass: (text: string) => void): void;
  /** A reply that matches no transaction of ours. */
  onStrayReply(reply: SipMessage, source: Source): void;
}

/** What the layer knows of a request that a script is run for. */
export interface KnownRequest {
  /**
   * new: of no transaction. copy: a retransmission. ack: acknowledges a failure of ours, which is noted already.
   * accepted: an ACK with the branch of an INVITE that was answered with 2xx.
   */
  readonly kind: 'new' | 'copy' | 'ack' | 'accepted';
  /** The transaction of a copy, while it has not ended. */
  readonly server: ServerTransaction | undefined;
  /** Sends the last reply again, as is due for a copy. */
  repeat(): void;
}

/** Sees every message before it is matched: copies, ACKs and CANCELs too. For scripts, which do the matching themselves. */
export interface MessageObserver {
  onMessage(request: SipMessage, source: Source, known: KnownRequest): void;
  /** A reply as it goes on; undefined drops it. */
  onReply(reply: SipMessage, source: Source): SipMessage | undefined;
  /** A request that may not be processed; false leaves it to the layer to answer. */
  onDefect(request: SipMessage, source: Source): boolean;
}

/** A counter as the hot path adds to it. */
export interface Tally {
  value: number;
}

export interface LayerCounters {
  readonly requestsReceived: Tally;
  readonly repliesReceived: Tally;
  readonly requestsSent: Tally;
  readonly repliesSent: Tally;
  /** Bytes that were no SIP message, and messages too broken to answer. */
  readonly dropped: Tally;
  /** Malformed requests answered with 400. */
  readonly badRequests: Tally;
  readonly overload: Tally;
  /** Requests refused because their source holds the most transactions when there is hardly room for more. */
  readonly share: Tally;
  readonly retransmissions: Tally;
  /** Replies with a branch of ours that do not fit the request: dropped. */
  readonly forgedReplies: Tally;
  /** Replies over UDP from another address than the request went to. */
  readonly repliesFromElsewhere: Tally;
}

/** How many transactions a process holds. */
export interface TransactionFigures {
  servers: number;
  clients: number;
  /** Server transactions without a final reply. */
  unanswered: number;
  /** What large messages count beyond the one of their transaction. */
  surplus: number;
}

/** Matches messages to transactions (RFC 3261 section 17) and hands the rest up. */
export class TransactionLayer implements Receiver, TransactionRoom {
  readonly timers: TimerWheel;
  private user: TransactionUser | undefined;
  private observer: MessageObserver | undefined;
  /** What large messages count beyond the one of their transaction. */
  private surplus = 0;
  private readonly servers = new TransactionTable<ServerTransaction>();
  private readonly clients = new TransactionTable<ClientTransaction>();
  /** Records of ended transactions: for 64*T1 (timers J, L and M), and for T4 (timers I and K). */
  private readonly endedServers: Remnants;
  private readonly confirmedServers: Remnants;
  private readonly endedClients: Remnants;
  private readonly settledClients: Remnants;
  /** The request whose transaction key `mixer` holds, and the method the key was made for. */
  private identified: SipMessage | undefined = undefined;
  private identifiedAs = '';
  private readonly branches: Branches;
  private readonly mixer: Mixer;
  private readonly tagPrefix: string;
  /** @internal Milliseconds until a sender's Timer E has grown to T2: from then on a 100 spares copies (RFC 4320 section 4.1). */
  readonly slowMs: number;
  private readonly brokenFlows = new Set<Flow>();
  /** When a forged reply was logged last. */
  private forgedAt = Number.NEGATIVE_INFINITY;
  /** Server transactions that have no final reply yet: what a shutdown waits for. */
  unanswered = 0;
  /** Those of other processes that serve the same sockets: they count as if they were here. */
  readonly elsewhere: TransactionFigures = { servers: 0, clients: 0, unanswered: 0, surplus: 0 };

  constructor(
    readonly config: TransactionConfig,
    private readonly clock: Clock,
    random: Random,
    readonly counters: LayerCounters,
    private readonly log: Logger,
    /** Which new requests are worked on; without, only the bound on transactions holds. */
    private readonly admission: Admission = new Admission(counters),
    /** What its branches begin with, where several processes serve the same sockets. */
    identity?: BranchIdentity,
  ) {
    this.timers = new TimerWheel(clock, (error) => log.error({ err: error }, 'a transaction timer failed'));
    const remnants = (stayMs: number, dropped?: (source: Source, text: string) => void) =>
      new Remnants(this.timers, () => clock.monotonic(), stayMs, dropped);
    const gone = (source: Source, text: string): void => this.released(source, surplusOf(text.length));
    this.endedServers = remnants(64 * config.t1, gone);
    this.endedClients = remnants(64 * config.t1);
    this.confirmedServers = remnants(config.t4, gone);
    this.settledClients = remnants(config.t4);
    this.mixer = new Mixer(random.uint32(), random.uint32());
    this.branches = new Branches(random, identity);
    this.tagPrefix = random.token(4);
    let interval = Math.max(1, config.t1);
    let slow = 0;
    for (; interval < config.t2; interval *= 2) slow += interval;
    this.slowMs = Math.max(config.t1, slow);
  }

  /** Start of every branch this process makes. */
  get branchPrefix(): string {
    return this.branches.prefix;
  }

  /** Start of every branch made by this process, or by another that serves the same sockets. */
  get sharedPrefix(): string {
    return this.branches.shared;
  }

  /**
   * Says who handles requests: the application above, which is made with the layer and therefore after it. `observer`
   * receives requests instead of it, and sees replies first.
   */
  attach(user: TransactionUser, observer?: MessageObserver): void {
    this.user = user;
    this.observer = observer;
  }

  /** Transactions in memory, server and client ones together. */
  get size(): number {
    return this.serverCount + this.clientCount;
  }

  /** What `maxTransactions` bounds: the transactions, large ones counted as several. */
  get load(): number {
    return this.size + this.surplus + this.elsewhere.surplus;
  }

  /** @internal Whether room, or time, is short: records of ended transactions are then dropped early. */
  get tight(): boolean {
    return this.load > this.config.maxTransactions * TIGHT || this.admission.congested;
  }

  /** Source addresses that hold server transactions. */
  get sources(): number {
    return this.admission.sources;
  }

  get serverCount(): number {
    return this.servers.size + this.endedServers.size + this.confirmedServers.size + this.elsewhere.servers;
  }

  get clientCount(): number {
    return this.clients.size + this.endedClients.size + this.settledClients.size + this.elsewhere.clients;
  }

  /** As other processes count them (`elsewhere`). */
  figures(): TransactionFigures {
    return {
      servers: this.serverCount,
      clients: this.clientCount,
      unanswered: this.unanswered,
      surplus: this.surplus,
    };
  }

  /** Server transactions that have no final reply yet. */
  pending(): ServerTransaction[] {
    return [...this.servers.values()].filter((each) => each.request !== undefined);
  }

  now(): number {
    return this.clock.monotonic();
  }

  /** A new branch for a request with this Call-ID; `loopHash` as `Branches.make` has it. */
  newBranch(loopHash: string, callId: string): BranchId {
    return this.branches.make(loopHash, callId);
  }

  /** Whether the top Via of a reply has a branch this process made. */
  ownsBranch(reply: SipMessage): boolean {
    return this.branches.digitsIn(reply) >= 0;
  }

  /** The To tag of our own replies to a request: the same for its retransmissions. */
  localTag(request: SipMessage): string {
    return this.tagPrefix + text32(hash32(request.via?.branch ?? '', hash32(request.callId, 0)));
  }

  receive(text: string, source: Source): void {
    if (this.admission.drops(text, source.address)) {
      this.counters.dropped.value++;
      return;
    }
    try {
      const message = parseMessage(text, true);
      if (message === undefined) {
        // A lone CRLF is a keep-alive, not garbage (RFC 5626 section 4.4).
        if (text.trim() !== '') this.garbage('not a SIP message', source, text.length);
        return;
      }
      if (message.isRequest) this.receiveRequest(message, source);
      else this.receiveReply(message, source);
    } catch (error) {
      this.counters.dropped.value++;
      this.log.error({ err: error, from: `${source.address}:${source.port}` }, 'a message could not be processed');
    }
  }

  garbage(reason: string, source: Source, bytes: number): void {
    this.counters.dropped.value++;
    if (this.log.isLevelEnabled('debug')) {
      this.log.debug(
        { from: `${source.address}:${source.port}`, socket: source.socket.description, bytes, reason },
        'dropped',
      );
    }
  }

  refused(head: string, code: number, reason: string, source: Source): void {
    const request = parseMessage(head, true);
    const { viaLine = -1, fromValue = -1, toValue = -1, callIdValue = -1, cseqValue = -1 } = request ?? {};
    // Without these the sender cannot match the reply to its request.
    if (request?.isRequest !== true || Math.min(viaLine, fromValue, toValue, callIdValue, cseqValue) < 0) {
      this.garbage(reason, source, head.length);
      return;
    }
    this.counters.requestsReceived.value++;
    request.defect = reason;
    this.refuse(request, source, code);
  }

  undelivered(text: string, address: string, port: number): void {
    const found = this.branches.find(text);
    if (found === undefined) return;
    const method = text.slice(0, text.indexOf(' '));
    const client = this.clients.find(lowOf(text, found.digits), upperKey(highOf(text, found.digits), method));
    if (client === undefined || !text.startsWith(client.branch.text, found.start)) return;
    const { target } = client;
    if (target.address === address && target.port === port) client.undelivered();
  }

  connectionBroken(flow: Flow): void {
    // Many connections may break at once: one pass finds the transactions of all of them.
    if (this.brokenFlows.size === 0) setImmediate(() => this.failBroken());
    this.brokenFlows.add(flow);
  }

  private failBroken(): void {
    const { brokenFlows } = this;
    const lost: ClientTransaction[] = [];
    for (const client of this.clients.values()) {
      if (client.connection !== undefined && brokenFlows.has(client.connection)) lost.push(client);
    }
    const unconfirmed: ServerTransaction[] = [];
    for (const server of this.servers.values()) {
      if (server.source.flow !== undefined && brokenFlows.has(server.source.flow)) unconfirmed.push(server);
    }
    brokenFlows.clear();
    for (const client of lost) client.connectionBroken();
    for (const server of unconfirmed) server.connectionBroken();
  }

  /** Begins a server transaction for a request handed up by onRequest. */
  serve(request: SipMessage, source: Source): ServerTransaction {
    const { a, b } = this.identify(request, request.method);
    const server =
      request.method === 'INVITE'
        ? new InviteServer(this, a, b, request, source)
        : new NonInviteServer(this, a, b, request, source);
    this.servers.add(server);
    this.unanswered++;
    this.admission.hold(source.address, 1);
    this.weigh(server, request.text.length, server.source);
    server.start();
    return server;
  }

  /** Sends a request under a transaction of its own. Its top Via must carry `branch`, made by newBranch. */
  request(
    text: string,
    invite: boolean,
    branch: BranchId,
    target: ResolvedTarget,
    user: ClientUser,
    flow?: Flow | undefined,
    timeoutMs?: number,
    ringMs?: number,
  ): ClientTransaction {
    const client = invite
      ? new InviteClient(this, branch, text, target, user, flow, timeoutMs, ringMs)
      : new NonInviteClient(this, branch, text, target, user, flow, timeoutMs ?? this.config.frTimeout);
    this.clients.add(client);
    this.weigh(client, text.length, undefined);
    client.start();
    return client;
  }

  /** Answers without keeping state: for overload and for what cannot be processed. */
  replyStateless(
    request: SipMessage,
    source: Source,
    code: number,
    reason = reasonPhrase(code),
    headers = '',
    body = '',
    marking: ViaMarking = 'asked',
  ): void {
    if (request.method === 'ACK') return;
    this.counters.repliesSent.value++;
    const text = buildReply(request, source, code, reason, this.localTag(request), headers, body, marking);
    const port = marking === 'forced' || marking === 'front-forced' ? source.port : replyPort(request, source);
    source.socket.send(text, source.address, port, undefined, source.flow);
  }

  /** @internal The CANCEL of an INVITE client transaction, under its own transaction with the same branch. */
  sendCancel(text: string, invite: ClientTransaction, flow: Flow | undefined): void {
    const { branch, target } = invite;
    const client = new NonInviteClient(this, branch, text, target, NOBODY, flow, this.config.frTimeout);
    this.clients.add(client);
    this.weigh(client, text.length, undefined);
    client.start();
  }

  /**
   * @internal Sends a reply to where a request came from, whatever became of its transaction: a late 2xx needs this (RFC 3261
   * section 16.7).
   */
  sendBack(text: string, source: Source, replyTo: number, sentByPort: number): void {
    this.counters.repliesSent.value++;
    const { socket, address, flow } = source;
    if (flow === undefined || flow.open) {
      socket.send(text, address, replyTo, undefined, flow);
      return;
    }
    // If its connection is closed, a new one is opened to the sent-by of its Via (RFC 3261 section 18.2.2). Over TLS
    // the sender must have a certificate for that name.
    const host = parseMessage(text)?.via?.host ?? '';
    socket.send(text, address, sentByPort, undefined, flow, ipFamily(bareHost(host)) === 0 ? host : undefined);
  }

  /** @internal A server transaction has ended: the record kept of it answers or absorbs copies of its request. */
  retireServer(server: ServerTransaction, kind: Kind, text: string): void {
    this.timers.cancel(server);
    this.servers.remove(server);
    this.weigh(server, text.length, server.source);
    const { keyA, keyB, source, replyPort: port, sentByPort } = server;
    const ring = kind === Kind.confirmed ? this.confirmedServers : this.endedServers;
    ring.add(keyA, keyB, kind, source, port, sentByPort, text, 0);
  }

  /** @internal A client transaction has ended: its record absorbs further replies, or passes them to the caller. */
  retireClient(client: ClientTransaction, kind: Kind, caller: CallerSide | undefined): void {
    this.clients.remove(client);
    this.weigh(client, 0, undefined);
    const ring = kind === Kind.settled ? this.settledClients : this.endedClients;
    const { keyA, keyB, branch } = client;
    const [port, sentByPort] = [caller?.replyPort ?? 0, caller?.sentByPort ?? 0];
    ring.add(keyA, keyB, kind, caller?.source, port, sentByPort, '', branch.check);
  }

  /** @internal */
  removeServer(server: ServerTransaction): void {
    this.servers.remove(server);
    this.weigh(server, 0, server.source);
    this.released(server.source, 0);
  }

  /** @internal Sets the message bytes a transaction keeps; those of a server one count to the share of `source`. */
  weigh(transaction: { surplus: number }, bytes: number, source: Source | undefined): void {
    const change = surplusOf(bytes) - transaction.surplus;
    if (change === 0) return;
    transaction.surplus += change;
    this.surplus += change;
    if (source === undefined) return;
    this.admission.hold(source.address, change);
  }

  /** A server transaction was removed. */
  private released(source: Source, surplus: number): void {
    this.surplus -= surplus;
    this.admission.hold(source.address, -1 - surplus);
  }

  /** @internal */
  removeClient(client: ClientTransaction): void {
    this.clients.remove(client);
    this.weigh(client, 0, undefined);
  }

  /** Forgets everything; nothing is sent any more. */
  stop(): void {
    this.timers.stop();
    this.servers.clear();
    this.clients.clear();
    this.endedServers.clear();
    this.endedClients.clear();
    this.confirmedServers.clear();
    this.settledClients.clear();
    this.admission.clear();
    this.surplus = 0;
  }

  private receiveRequest(request: SipMessage, source: Source): void {
    this.counters.requestsReceived.value++;
    if (request.defect !== undefined) {
      if (this.observer?.onDefect(request, source) !== true) this.refuse(request, source);
      return;
    }
    const method = request.method;
    if (this.observer !== undefined) {
      this.observeRequest(this.observer, request, source);
      return;
    }
    const { a, b } = this.identify(request, method === 'ACK' ? 'INVITE' : method);
    const known = this.servers.find(a, b);
    if (known !== undefined) {
      if (method === 'ACK') {
        (known as InviteServer).acknowledged();
      } else {
        this.counters.retransmissions.value++;
        known.retransmitted();
      }
      return;
    }
    if (this.absorbed(request, source, a, b)) return;
    if (method === 'ACK') {
      // An ACK for a failure of ours, sent without state or since dropped, ends here (RFC 3261 section 8.2.7).
      if (!request.toTag.startsWith(this.tagPrefix)) this.user?.onAck(request, source);
      return;
    }
    if (method === 'CANCEL') {
      // Also under overload: it frees what it cancels.
      const invite = this.identify(request, 'INVITE');
      const cancelled = this.servers.find(invite.a, invite.b);
      if (cancelled !== undefined || this.hasEnded(invite.a, invite.b)) {
        this.serve(request, source).replyWith(200, 'canceling');
        this.user?.onCancel(cancelled as InviteServer | undefined);
        return;
      }
    }
    if (!this.admits(request, source)) return;
    // A CANCEL that gets here belongs to an INVITE relayed without state, or to none: the proxy decides.
    this.user?.onRequest(request, source);
  }

  /** Whether a new request may be worked on; answers it otherwise. */
  private admits(request: SipMessage, source: Source): boolean {
    const refusal = this.admission.refuses(source.address, request.toTag !== '', this);
    if (refusal === undefined) return true;
    this.replyStateless(request, source, 503, refusal.reason, `Retry-After: ${refusal.retryAfter}\r\n`);
    return false;
  }

  /** Hands a request to the observer with what is known of it; an ACK for a failure of ours ends its retransmission. */
  private observeRequest(observer: MessageObserver, request: SipMessage, source: Source): void {
    const { method } = request;
    const { a, b } = this.identify(request, method === 'ACK' ? 'INVITE' : method);
    const server = this.servers.find(a, b);
    if (server !== undefined) {
      if (method === 'ACK') {
        (server as InviteServer).acknowledged();
        observer.onMessage(request, source, { kind: 'ack', server, repeat: NOTHING });
        return;
      }
      this.counters.retransmissions.value++;
      observer.onMessage(request, source, { kind: 'copy', server, repeat: () => server.retransmitted() });
      return;
    }
    const { endedServers } = this;
    const at = endedServers.find(a, b);
    if (at >= 0 || this.confirmedServers.find(a, b) >= 0) {
      if (method === 'ACK') {
        observer.onMessage(request, source, { kind: at >= 0 ? 'accepted' : 'ack', server: undefined, repeat: NOTHING });
        return;
      }
      this.counters.retransmissions.value++;
      const repeat = (): void => void this.absorbed(request, source, a, b);
      observer.onMessage(request, source, { kind: 'copy', server: undefined, repeat });
      return;
    }
    if (method === 'ACK') {
      // An ACK for a failure that was sent without state is absorbed here (RFC 3261 section 8.2.7).
      if (!request.toTag.startsWith(this.tagPrefix)) observer.onMessage(request, source, NEW_REQUEST);
      return;
    }
    if (method === 'CANCEL' || this.admits(request, source)) observer.onMessage(request, source, NEW_REQUEST);
  }

  /** The transaction a request has by now: a copy of it may have begun one. */
  serving(request: SipMessage): ServerTransaction | undefined {
    const { a, b } = this.identify(request, request.method);
    return this.servers.find(a, b);
  }

  /** The INVITE a CANCEL is for: its transaction; undefined for one that is not known or had its final reply. */
  cancelled(cancel: SipMessage): ServerTransaction | undefined {
    const { a, b } = this.identify(cancel, 'INVITE');
    return this.servers.find(a, b);
  }

  /** Whether the INVITE a CANCEL is for had its final reply lately. */
  answeredInvite(cancel: SipMessage): boolean {
    const { a, b } = this.identify(cancel, 'INVITE');
    return this.hasEnded(a, b);
  }

  /** @internal Transactions there is room for. */
  get most(): number {
    return this.config.maxTransactions;
  }

  /** @internal Drops the oldest records, more than one request adds. Most copies, if any, arrive within T4. */
  makeRoom(): void {
    for (const ended of [this.endedServers, this.endedClients]) {
      for (let i = 0; i < 3; i++) ended.dropEarly(this.config.t4);
    }
  }

  private receiveReply(reply: SipMessage, source: Source): void {
    this.counters.repliesReceived.value++;
    if (reply.defect !== undefined) {
      this.garbage(`reply with ${reply.defect}`, source, reply.text.length);
      return;
    }
    if (this.observer !== undefined) {
      const seen = this.observer.onReply(reply, source);
      if (seen === undefined) return;
      reply = seen;
    }
    this.pass(reply, source);
  }

  /** Hands a reply to the transaction it belongs to, or up when there is none; the observer does not see it again. */
  pass(reply: SipMessage, source: Source): void {
    const digits = this.branches.digitsIn(reply);
    const low = digits < 0 ? -1 : lowOf(reply.text, digits);
    const high = digits < 0 ? -1 : highOf(reply.text, digits);
    if (low < 0 || high < 0) {
      this.user?.onStrayReply(reply, source);
      return;
    }
    const upper = upperKey(high, reply.method);
    const client = this.clients.find(low, upper);
    if (client === undefined) {
      if (!this.passedOn(reply, source, digits, low, upper)) this.user?.onStrayReply(reply, source);
      return;
    }
    const wrong = misfit(client, reply, this.branches.callIdOf(reply), source);
    if (wrong !== undefined) this.forged(reply, source, wrong);
    else if (this.comesFrom(client.target, source)) client.receive(reply);
    else this.forged(reply, source, 'source address');
  }

  /** Over UDP a reply may come from another address than the request went to; such replies are counted. */
  private comesFrom({ address }: ResolvedTarget, source: Source): boolean {
    if (source.flow !== undefined || source.address === address) return true;
    this.counters.repliesFromElsewhere.value++;
    return !this.config.strictReplySource;
  }

  private forged(reply: SipMessage, source: Source, what: string): void {
    this.counters.forgedReplies.value++;
    const now = this.now();
    if (now - this.forgedAt < FORGED_LINE_MS) return;
    this.forgedAt = now;
    const callId = reply.callId.slice(0, SHOWN);
    const fields = { from: `${source.address}:${source.port}`, callId, status: reply.status, what };
    this.log.warn(fields, 'a reply does not fit the request it names, it was dropped');
  }

  /** Whether a reply belongs to a transaction that has ended; a 2xx of an answered call is passed on. */
  private passedOn(reply: SipMessage, source: Source, digits: number, low: number, upper: number): boolean {
    const { endedClients } = this;
    const at = endedClients.find(low, upper);
    if (at < 0) return this.settledClients.find(low, upper) >= 0;
    const caller = endedClients.sourceAt(at);
    if (caller === undefined || reply.status < 200 || reply.status >= 300) return true;
    if (endedClients.checkAt(at) !== this.branches.checkOf(reply, digits)) {
      this.forged(reply, source, 'branch');
      return true;
    }
    const [port, sentByPort] = [endedClients.replyPortAt(at), endedClients.sentByPortAt(at)];
    this.user?.onFurtherSuccess(reply, (text) => this.sendBack(text, caller, port, sentByPort));
    return true;
  }

  private hasEnded(a: number, b: number): boolean {
    return this.endedServers.find(a, b) >= 0 || this.confirmedServers.find(a, b) >= 0;
  }

  /** Whether a request belongs to a transaction that has ended, as a copy or as an ACK; handles it then. */
  private absorbed(request: SipMessage, source: Source, a: number, b: number): boolean {
    const { endedServers } = this;
    const at = endedServers.find(a, b);
    if (at < 0 && this.confirmedServers.find(a, b) < 0) return false;
    if (request.method === 'ACK') {
      // The ACK for a 2xx that has our INVITE's branch: RFC 3261 forbids it, some send it.
      if (at >= 0) this.user?.onAck(request, source);
      return true;
    }
    this.counters.retransmissions.value++;
    if (at < 0) return true;
    const sender = endedServers.sourceAt(at);
    const text = endedServers.textAt(at);
    if (text !== '' && sender !== undefined) {
      this.sendBack(text, sender, endedServers.replyPortAt(at), endedServers.sentByPortAt(at));
    }
    return true;
  }

  /** RFC 3261 section 17.2.3: branch, sent-by and method; without the magic cookie, what RFC 2543 compared. */
  private identify(request: SipMessage, method: string): Mixer {
    const { text, via } = request;
    if (this.identified === request && this.identifiedAs === method) return this.mixer;
    this.identified = request;
    this.identifiedAs = method;
    const mixer = this.mixer.begin().text(method);
    if (via === undefined) return mixer;
    const { branch, branchStart } = via;
    if (branch.length > 7 && text.startsWith('z9hG4bK', branchStart)) {
      return mixer
        .text(text, branchStart, branchStart + branch.length)
        .text(via.host)
        .number(via.port);
    }
    mixer.text(request.requestUri).text(request.fromTag).text(request.callId).number(request.cseqNumber);
    return mixer.text(text, via.start, via.end);
  }

  /** Answers 400, or a more specific code, if a reply can be built; otherwise drops and counts the request. */
  private refuse(request: SipMessage, source: Source, code = 400): void {
    const answerable = request.viaLine >= 0 && request.method !== 'ACK';
    if (this.log.isLevelEnabled('debug')) {
      this.log.debug(
        {
          from: `${source.address}:${source.port}`,
          callId: request.callId.slice(0, SHOWN),
          defect: request.defect,
          answered: answerable,
        },
        'bad request',
      );
    }
    if (!answerable) {
      this.counters.dropped.value++;
      return;
    }
    this.counters.badRequests.value++;
    if (request.defect === OTHER_VERSION) this.replyStateless(request, source, 505);
    else if (request.defect === LONG_REQUEST_LINE) this.replyStateless(request, source, 414);
    else this.replyStateless(request, source, code, `${reasonPhrase(code)} (${request.defect})`);
  }
}

const NOTHING = (): void => undefined;
const NEW_REQUEST: KnownRequest = { kind: 'new', server: undefined, repeat: NOTHING };
/** Characters of a Call-ID that a line of the log shows. */
const SHOWN = 128;
/** Part of the room for transactions above which room counts as short. */
const TIGHT = 3 / 4;
/** Milliseconds between two lines about replies that do not fit. */
const FORGED_LINE_MS = 60_000;
