import { trimmed } from '../../core/characters.js';
import type { Clock } from '../../core/clock.js';
import type { Logger } from '../../core/logger.js';
import type { Random } from '../../core/random.js';
import { Admission, type TransactionRoom } from '../admission.js';
import type { SipMessage } from '../message.js';
import { parseReceived } from '../received.js';
import { reasonPhrase, type ViaMarking } from '../reply.js';
import type { ResolvedTarget } from '../target.js';
import { TimerWheel } from '../timers.js';
import type { Flow, Receiver, Source } from '../transport/transport.js';
import { Branches, type BranchId, highOf, lowOf } from './branch.js';
import {
  type CallerSide,
  type ClientTransaction,
  type ClientUser,
  InviteClient,
  NOBODY,
  type RingTimer,
  upperKey,
} from './client.js';
import type { TransactionConfig } from './config.js';
import type { LayerCounters, TransactionFigures } from './counters.js';
import { EndedTransactions } from './ended.js';
import { NonInviteClient } from './non-invite-client.js';
import { NO_FIGURES, type PeerProcesses } from './peers.js';
import type { Kind } from './remnants.js';
import { ReplyMatching } from './replies.js';
import { RequestKeys } from './request-key.js';
import { RequestMatching } from './requests.js';
import { InviteServer, NonInviteServer, type ServerTransaction } from './server.js';
import { StatelessReplies } from './stateless.js';
import { TransactionTable } from './table.js';
import type { MessageObserver, TransactionUser } from './user.js';
import { surplusOf } from './weight.js';

/**
 * All transactions of a process (RFC 3261 section 17). It creates, counts and ends them, and gives them the clock,
 * branches and a way to send. Messages are matched to transactions in requests.ts and replies.ts.
 */
export class TransactionLayer implements Receiver, TransactionRoom {
  readonly timers: TimerWheel;
  /** The sum of what transactions count in addition to 1, because of large messages. */
  private surplus = 0;
  private readonly servers = new TransactionTable<ServerTransaction>();
  private readonly clients = new TransactionTable<ClientTransaction>();
  private readonly ended: EndedTransactions;
  private readonly keys: RequestKeys;
  /** Creates the branches of this process. */
  readonly branches: Branches;
  /** @internal Sends replies without a transaction. */
  readonly stateless: StatelessReplies;
  private readonly requests: RequestMatching;
  /** Matches replies to client transactions. */
  readonly replies: ReplyMatching;
  /**
   * @internal Milliseconds until the sender's Timer E has grown to T2. From then on a 100 avoids retransmissions (RFC
   * 4320 section 4.1).
   */
  readonly slowMs: number;
  private readonly brokenFlows = new Set<Flow>();
  /** Server transactions without a final reply: a shutdown waits for them. */
  unanswered = 0;
  constructor(
    readonly config: TransactionConfig,
    private readonly clock: Clock,
    random: Random,
    readonly counters: LayerCounters,
    private readonly log: Logger,
    /** Decides which new requests are handled; by default only the number of transactions is bounded. */
    private readonly admission: Admission = new Admission(counters),
    /** The other processes, if several serve the same sockets. */
    private readonly peers?: PeerProcesses,
  ) {
    this.timers = new TimerWheel(clock, (error) => log.error({ err: error }, 'a transaction timer failed'));
    const gone = (source: Source, length: number): void => this.released(source, surplusOf(length));
    this.ended = new EndedTransactions(config, this.timers, () => clock.monotonic(), gone);
    this.keys = new RequestKeys(random);
    this.branches = new Branches(random, peers?.identity);
    this.stateless = new StatelessReplies(random, counters, log);
    const { servers, clients, ended, keys, branches, stateless } = this;
    this.requests = new RequestMatching(this, servers, ended, keys, stateless, admission);
    this.replies = new ReplyMatching(this, clients, ended, branches, stateless, log);
    let interval = Math.max(1, config.t1);
    let slow = 0;
    for (; interval < config.t2; interval *= 2) slow += interval;
    this.slowMs = Math.max(config.t1, slow);
  }

  /** The transactions of the other processes that serve the same sockets. Bounds count them too. */
  get elsewhere(): Readonly<TransactionFigures> {
    return this.peers === undefined ? NO_FIGURES : this.peers.figures;
  }

  /**
   * Sets who handles requests; called after construction, since the application needs the layer. An `observer`, if
   * given, receives requests instead of `user`, and replies before it.
   */
  attach(user: TransactionUser, observer?: MessageObserver): void {
    this.requests.attach(user, observer);
    this.replies.attach(user, observer);
  }

  /** Number of server and client transactions in memory. */
  get size(): number {
    return this.serverCount + this.clientCount;
  }

  /** The number that `maxTransactions` bounds: all transactions; one with large messages counts as several. */
  get load(): number {
    return this.size + this.surplus + this.elsewhere.surplus;
  }

  /** @internal Whether memory or processor time is short: then records of ended transactions are removed early. */
  get tight(): boolean {
    return this.load > this.config.maxTransactions * TIGHT || this.admission.congested;
  }

  /** Number of source addresses that hold server transactions. */
  get sources(): number {
    return this.admission.sources;
  }

  /** Number of server transactions, including records of ended ones and the transactions of workers. */
  get serverCount(): number {
    return this.servers.size + this.ended.serverCount + this.elsewhere.servers;
  }

  /** Number of client transactions, counted in the same way. */
  get clientCount(): number {
    return this.clients.size + this.ended.clientCount + this.elsewhere.clients;
  }

  /** The numbers of this process alone, for the `elsewhere` of the others. */
  figures(): TransactionFigures {
    const { elsewhere } = this;
    return {
      servers: this.serverCount - elsewhere.servers,
      clients: this.clientCount - elsewhere.clients,
      unanswered: this.unanswered,
      surplus: this.surplus,
    };
  }

  /** The server transactions without a final reply. */
  pending(): ServerTransaction[] {
    return [...this.servers.values()].filter((each) => each.request !== undefined);
  }

  /** Milliseconds of the monotonic clock. */
  now(): number {
    return this.clock.monotonic();
  }

  /** Whether this process made the branch in the top Via of a reply. */
  ownsBranch(reply: SipMessage): boolean {
    return this.branches.digitsIn(reply) >= 0;
  }

  /** The To tag of our own replies to a request; retransmissions get the same one. */
  localTag(request: SipMessage): string {
    return this.stateless.tag(request);
  }

  parse(text: string): SipMessage | undefined {
    // During congestion it is not parsed ahead, since it may be dropped.
    if (this.admission.congested) return undefined;
    try {
      return parseReceived(text);
    } catch {
      // `receive` parses again, and can log the error.
      return undefined;
    }
  }

  receive(text: string, source: Source, parsed?: SipMessage): void {
    if (this.admission.drops(text, source.address)) {
      this.counters.dropped.value++;
      return;
    }
    try {
      const message = parsed ?? parseReceived(text);
      if (message === undefined) {
        // A lone CRLF is a keep-alive, not garbage (RFC 5626 section 4.4).
        if (trimmed(text) !== '') this.garbage('not a SIP message', source, text.length);
        return;
      }
      if (message.isRequest) this.requests.receive(message, source);
      else this.replies.receive(message, source);
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
    const request = parseReceived(head);
    const { viaLine = -1, fromValue = -1, toValue = -1, callIdValue = -1, cseqValue = -1 } = request ?? {};
    // Without these fields the sender could not match the reply to its request.
    if (request?.isRequest !== true || Math.min(viaLine, fromValue, toValue, callIdValue, cseqValue) < 0) {
      this.garbage(reason, source, head.length);
      return;
    }
    this.counters.requestsReceived.value++;
    request.defect = reason;
    this.stateless.refuse(request, source, code);
  }

  undelivered(text: string, address: string, port: number): void {
    const found = this.branches.find(text);
    if (found === undefined) {
      // The kernel may give an error to any socket of the group, so it may belong to another process.
      const marker = this.peers && this.branches.strangerIn(text);
      if (marker !== undefined) this.peers?.strayError(marker, text, address, port);
      return;
    }
    const method = text.slice(0, text.indexOf(' '));
    const client = this.clients.find(lowOf(text, found.digits), upperKey(highOf(text, found.digits), method));
    if (client === undefined || !text.startsWith(client.branch.text, found.start)) return;
    const { target } = client;
    if (target.address === address && target.port === port) client.undelivered();
  }

  connectionBroken(flow: Flow): void {
    // Many connections may break at once: their transactions are found in one pass.
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

  /** Creates a server transaction for a request that onRequest has received. */
  serve(request: SipMessage, source: Source): ServerTransaction {
    const { a, b } = this.keys.of(request, request.method);
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

  /** Sends a request in a client transaction. Its top Via must have `branch`, created by `branches`. */
  request(
    text: string,
    invite: boolean,
    branch: BranchId,
    target: ResolvedTarget,
    user: ClientUser,
    flow?: Flow | undefined,
    timeoutMs?: number,
    ring?: RingTimer,
  ): ClientTransaction {
    const client = invite
      ? new InviteClient(this, branch, text, target, user, flow, timeoutMs, ring)
      : new NonInviteClient(this, branch, text, target, user, flow, timeoutMs ?? this.config.frTimeout);
    return this.started(client, text);
  }

  /** Like request() for a request other than INVITE, but it is sent only once, by UDP too. */
  requestOnce(text: string, branch: BranchId, target: ResolvedTarget, user: ClientUser, ms: number): void {
    this.started(new NonInviteClient(this, branch, text, target, user, undefined, ms, ms), text);
  }

  private started(client: ClientTransaction, text: string): ClientTransaction {
    this.clients.add(client);
    this.weigh(client, text.length, undefined);
    client.start();
    return client;
  }

  /** Answers without a transaction: under overload, and for requests that cannot be processed. */
  replyStateless(
    request: SipMessage,
    source: Source,
    code: number,
    reason = reasonPhrase(code),
    headers = '',
    body = '',
    marking: ViaMarking = 'asked',
  ): void {
    this.stateless.reply(request, source, code, reason, headers, body, marking);
  }

  /** @internal Sends the CANCEL of an INVITE in its own client transaction with the same branch. */
  sendCancel(text: string, invite: ClientTransaction, flow: Flow | undefined): void {
    const { branch, target } = invite;
    this.started(new NonInviteClient(this, branch, text, target, NOBODY, flow, this.config.frTimeout), text);
  }

  /** @internal Replaces an ended server transaction by a record that answers or absorbs retransmissions. */
  retireServer(server: ServerTransaction, kind: Kind, text: string): void {
    this.timers.cancel(server);
    this.servers.remove(server);
    this.weigh(server, text.length, server.source);
    this.ended.addServer(server, kind, text);
  }

  /** @internal Replaces an ended client transaction by a record for further replies; a 2xx goes to the caller. */
  retireClient(client: ClientTransaction, kind: Kind, caller: CallerSide | undefined): void {
    this.clients.remove(client);
    this.weigh(client, 0, undefined);
    this.ended.addClient(client, kind, caller);
  }

  /** @internal */
  removeServer(server: ServerTransaction): void {
    this.servers.remove(server);
    this.weigh(server, 0, server.source);
    this.released(server.source, 0);
  }

  /** @internal Sets the bytes of messages that a transaction keeps; `source`: whose share they count to. */
  weigh(transaction: { surplus: number }, bytes: number, source: Source | undefined): void {
    const change = surplusOf(bytes) - transaction.surplus;
    if (change === 0) return;
    transaction.surplus += change;
    this.surplus += change;
    if (source === undefined) return;
    this.admission.hold(source.address, change);
  }

  /** Updates the counts when a server transaction was removed. */
  private released(source: Source, surplus: number): void {
    this.surplus -= surplus;
    this.admission.hold(source.address, -1 - surplus);
  }

  /** @internal */
  removeClient(client: ClientTransaction): void {
    this.clients.remove(client);
    this.weigh(client, 0, undefined);
  }

  /** Removes all transactions; nothing is sent any more. */
  stop(): void {
    this.timers.stop();
    this.servers.clear();
    this.clients.clear();
    this.ended.clear();
    this.admission.clear();
    this.surplus = 0;
  }

  /** The transaction of a request, if there is one now: a retransmission may have created it. */
  serving(request: SipMessage): ServerTransaction | undefined {
    const { a, b } = this.keys.of(request, request.method);
    return this.servers.find(a, b);
  }

  /** The transaction of the INVITE that a CANCEL names; undefined when it is unknown or had its final reply. */
  cancelled(cancel: SipMessage): ServerTransaction | undefined {
    const { a, b } = this.keys.of(cancel, 'INVITE');
    return this.servers.find(a, b);
  }

  /** Whether the INVITE that a CANCEL names had its final reply recently. */
  answeredInvite(cancel: SipMessage): boolean {
    const { a, b } = this.keys.of(cancel, 'INVITE');
    return this.ended.hasServer(a, b);
  }

  /** @internal The most transactions allowed. */
  get max(): number {
    return this.config.maxTransactions;
  }

  /** Passes a reply to its transaction, or to the user when there is none, but not to the observer again. */
  pass(reply: SipMessage, source: Source): void {
    this.replies.pass(reply, source);
  }

  /** @internal Removes some of the oldest records, more than one request adds. Few retransmissions come after T4. */
  makeRoom(): void {
    this.ended.makeRoom();
  }
}

/** When more than this part of the allowed transactions exists, memory counts as short. */
const TIGHT = 3 / 4;
