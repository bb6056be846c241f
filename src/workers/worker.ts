import { AddressBlocks } from '../core/address-blocks.js';
import { boundedLog } from '../core/bounded-log.js';
import { systemClock } from '../core/clock.js';
import { HeldClock } from '../core/held-clock.js';
import { type KeptKey, KeyRing } from '../core/key-ring.js';
import type { Logger } from '../core/logger.js';
import { systemRandom } from '../core/random.js';
import type { Engine } from '../engine/engine.js';
import type { RelayPlan, RouteDecision, RoutedRequest } from '../proxy/decision.js';
import { DialogTokens } from '../proxy/dialog-token.js';
import type { ProxyObserver, RelayWatch } from '../proxy/observer.js';
import { ProxyCore } from '../proxy/proxy.js';
import type { SelectionTally } from '../route/dispatcher/site.js';
import { Admission } from '../sip/admission.js';
import { Congestion } from '../sip/congestion.js';
import { LocalSockets } from '../sip/local-sockets.js';
import type { SipMessage } from '../sip/message.js';
import { Resolver } from '../sip/resolve.js';
import { TransactionLayer } from '../sip/transaction/layer.js';
import type { InviteServer } from '../sip/transaction/server.js';
import type { TransactionUser } from '../sip/transaction/user.js';
import { createSipSocket } from '../sip/transport/create.js';
import { DatagramQueue } from '../sip/transport/datagram-queue.js';
import type { Libc } from '../sip/transport/native/libc.js';
import { markerOf, socketOfMarker, socketOfReply, socketOfRequest } from '../sip/transport/native/steering.js';
import { hostPort, type SipSocket, type Source } from '../sip/transport/transport.js';
import type { UdpSocket } from '../sip/transport/udp.js';
import { UnopenedSocket } from '../sip/transport/unopened.js';
import { TrustedSources } from '../sip/trusted-sources.js';
import { KnownDialogs } from './known-dialogs.js';
import { LocalWatch } from './local-plan.js';
import { LocalRules } from './local-rules.js';
import { machineMs } from './machine-time.js';
import { MarkRequests } from './mark-requests.js';
import { Outbox } from './outbox.js';
import type { FromWorker, LiveSetup, SharedScript, SharedSocket, ToWorker, WorkerSetup } from './protocol.js';
import { Question, QuestionWatch } from './question.js';
import { Replica } from './replica.js';
import { ReportRing } from './report-ring.js';
import { ReportWriter } from './report-writer.js';
import { type ScriptCore, ScriptGate } from './script-gate.js';
import { SelectionCounts } from './selection-counts.js';
import { SentLog } from './sent-log.js';
import { SharedCounters } from './shared-counters.js';
import { SharedFigures } from './shared-figures.js';
import { ownerOf } from './shared-layout.js';
import { newCounters, type SipCounters, tallies } from './tallies.js';
import { WorkerRouter } from './worker-router.js';

/** What the script of a worker is made with. */
export interface ScriptParts {
  readonly script: SharedScript;
  readonly engine: Engine;
  readonly layer: TransactionLayer;
  readonly sockets: LocalSockets;
  readonly resolver: Resolver;
  readonly counters: SipCounters;
  readonly tokens: DialogTokens;
  /** Gets what becomes of requests. */
  readonly observer: ProxyObserver;
  readonly tally: SelectionTally;
  readonly log: Logger;
}

/** The script of a configuration file at work. */
export interface WorkerScript {
  readonly core: ScriptCore;
  /** Whether it may be run: it and its tables are those of the brain. */
  readonly isReady: boolean;
  /** New requests run another one from now on. Never rejects. */
  use(script: SharedScript): Promise<void>;
  /** Reads the tables of its modules again. Never rejects. */
  readTables(): Promise<void>;
}

/** Begins to run a script. */
export type StartScript = (parts: ScriptParts) => WorkerScript;

/** Milliseconds between two reports of the counters while no datagrams come: timers change them too. */
const REPORT_MS = 500;
/** Milliseconds between two reports of selections. */
const SELECTED_MS = 25;

const BELL = ['bell'] as const;

/** What a request that was answered on the word of the brain shows as origin. */
const BY_BRAIN = { rule: 'brain' } as const;

/**
 * A worker: its sockets, transactions and relays. Where requests go is decided by the brain, which is asked once for each outside
 * a dialog, and after each failure; everything that this process cannot do is left to the brain whole.
 */
export class Worker implements TransactionUser, ProxyObserver {
  /** @internal */
  readonly sockets: readonly SipSocket[];
  private readonly layer: TransactionLayer;
  private readonly proxy: ProxyCore;
  private readonly outbox: Outbox<FromWorker>;
  private readonly reports: ReportWriter;
  private readonly sharedCounters: SharedCounters;
  private readonly dialogs: KnownDialogs;
  private readonly trusted = new TrustedSources();
  private readonly counters = newCounters();
  private readonly counted = tallies(this.counters);
  private readonly questions = new Map<number, Question>();
  private readonly local: LocalSockets;
  private readonly replica: Replica;
  private readonly figures: SharedFigures;
  private readonly rules: LocalRules;
  private readonly marks: MarkRequests;
  /** Selections here, by partition, since they were reported. */
  private readonly tally = new SelectionCounts();
  private readonly script: WorkerScript | undefined = undefined;
  private selectedAt = 0;
  /** What the brain's monotonic milliseconds are ahead of those of this process. */
  private readonly ahead: number;
  private readonly keys: KeyRing;
  private live: LiveSetup;
  private asked = 0;
  private asksAll = false;

  constructor(
    private readonly setup: WorkerSetup,
    libc: Libc,
    send: (items: readonly FromWorker[]) => void,
    startScript?: StartScript,
    /** Makes calls to warm this process up, elsewhere than here; resolves with how many, never rejects. */
    private readonly warmUp?: (calls: number) => Promise<number>,
  ) {
    const { token, worker, transactions, proxy, gatherMs } = setup;
    this.outbox = new Outbox(send);
    const { fd, bytes } = setup.memory;
    const memory = libc.map(fd, bytes);
    this.reports = new ReportWriter(
      new ReportRing(memory, worker),
      () => this.outbox.add(BELL),
      (item) => this.outbox.add(item),
    );
    this.sharedCounters = new SharedCounters(memory, worker);
    this.ahead = machineMs() - performance.now() - setup.ahead;
    this.live = setup.live;
    const now = () => systemClock.monotonic();
    const log: Logger = boundedLog(
      new SentLog(
        (level, fields, message) => this.reports.add(['log', level, fields, message]),
        () => this.live.logLevel,
      ),
      now,
    );
    const [newest, ...older] = setup.keys;
    this.keys = new KeyRing((newest as KeptKey).key, () => systemClock.now(), older);
    const tokens = new DialogTokens(this.keys);
    const congestion = new Congestion(now, {}, this.trusted);
    const admission = new Admission(this.counters.layer, { congestion, trusted: this.trusted });
    const identity = { token, marker: markerOf(worker) };
    const { layer: tally } = this.counters;
    const held = new HeldClock(systemClock);
    this.layer = new TransactionLayer(transactions, held, systemRandom, tally, log, admission, identity);
    const queue = new DatagramQueue({
      gatherMs,
      clock: held,
      handled: (datagrams, full) => {
        congestion.handled(datagrams, full);
        this.report();
        this.outbox.flush();
      },
    });
    this.sockets = setup.sockets.map((each) => this.socketOf(each, queue, libc));
    const local = (this.local = new LocalSockets(
      this.sockets,
      setup.sockets.map(({ name }) => name ?? undefined),
      setup.aliases,
    ));
    const resolver = new Resolver(systemClock, systemRandom, undefined, local.transports);
    this.dialogs = new KnownDialogs(now);
    this.figures = new SharedFigures(memory, worker, setup.workers);
    this.layer.elsewhere = this.figures;
    this.layer.strayError = (marker, text, address, port) => {
      const owner = socketOfMarker(marker);
      if (owner !== setup.worker && owner <= setup.workers) this.add(['undelivered', owner, text, address, port]);
    };
    this.replica = new Replica({
      memory,
      owner: ownerOf(worker),
      clock: systemClock,
      random: systemRandom,
      log,
      taken: (name, generation) => this.reports.add(['tableTaken', name, generation]),
    });
    this.marks = new MarkRequests(this.replica.engine.states, (item) => this.add(item));
    const asksAlways = (source: string) => this.asksAll || (this.live.rateLimited && !this.trusted.has(source));
    this.rules = new LocalRules({
      replica: this.replica,
      sockets: local,
      tokens,
      proxy,
      log,
      marks: this.marks,
      selected: (partition) => this.tally.selected(partition),
      asksAlways,
    });
    const router = new WorkerRouter({
      decide: (request) => this.rules.decide(request),
      passage: (request, loose) => this.rules.mayPass(request, loose),
      sockets: local,
      tokens,
      dialogs: this.dialogs,
      proxy,
      sender: () => this.proxy.sender,
      ask: (request, dialog) => this.ask(request, dialog),
      pass: ({ message, source }) => this.passOn(message, source),
      asksAlways,
      add: (item) => this.addLater(item),
    });
    // What is too large for a datagram is left to the brain.
    const options = { ...proxy, udpMaxRequest: 0 };
    const { proxy: tallied } = this.counters;
    this.proxy = new ProxyCore(this.layer, local, resolver, router, tallied, options, log, systemRandom, tokens, this);
    const { script } = setup;
    if (script === undefined || startScript === undefined) this.layer.attach(this);
    else {
      const { layer, counters, replica, tally: selections } = this;
      const parts = { script, layer, counters, engine: replica.engine, sockets: local, resolver, tokens, log };
      this.script = startScript({ ...parts, observer: this, tally: selections });
      const gate = new ScriptGate(this.script.core, {
        handsOn: (message, source, isRequest) =>
          isRequest ? this.leaves(message, source) : this.leavesReply(message, source),
        runs: (source) => !asksAlways(source) && this.rules.isWhole() && this.script?.isReady === true,
        pass: (request, source) => this.passOn(request, source),
        now,
      });
      this.layer.attach(gate, gate);
    }
    this.take(setup.live);
    this.asksAll = setup.askAll;
  }

  /** Begins to read its sockets. Rejects when one cannot be read. */
  async open(): Promise<void> {
    for (const socket of this.sockets) await socket.open();
    setInterval(() => this.report(), REPORT_MS);
    this.add(['ready']);
  }

  /** Its sockets can be used: for one whose sockets are not opened by `open`. */
  refresh(): void {
    this.local.refresh(this.sockets);
  }

  /** Ends what is under way. */
  stop(): void {
    this.layer.stop();
  }

  /** What the brain says. */
  receive(items: readonly ToWorker[]): void {
    for (const item of items) this.receiveOne(item);
    this.outbox.flush();
  }

  onRequest(request: SipMessage, source: Source): void {
    if (!this.leaves(request, source)) this.proxy.onRequest(request, source);
  }

  onAck(request: SipMessage, source: Source): void {
    if (!this.leaves(request, source)) this.proxy.onAck(request, source);
  }

  onCancel(server: InviteServer | undefined): void {
    this.proxy.onCancel(server);
  }

  onFurtherSuccess(reply: SipMessage, pass: (text: string) => void): void {
    this.proxy.onFurtherSuccess(reply, pass);
  }

  onStrayReply(reply: SipMessage, source: Source): void {
    if (this.leavesReply(reply, source)) return;
    this.counters.layer.repliesReceived.value--;
    this.add(['pass', ...this.cameAs(source, reply.text)]);
  }

  relayed(message: SipMessage, source: Source, plan: RelayPlan): RelayWatch | undefined {
    if (message.toTag === '' && plan.origin !== undefined && !(plan instanceof Question)) {
      if (this.reports.isBehind) return undefined;
      const id = ++this.asked;
      this.replica.begun(this.setup.worker);
      const { recordRoute, origin } = plan;
      const came = this.cameAs(source, message.text);
      const { callId, fromTag, method } = message;
      const isInvite = method === 'INVITE';
      this.reports.add(['began', id, this.now(), ...came, recordRoute, origin, isInvite, callId, fromTag]);
      return new LocalWatch(this, id);
    }
    if (plan instanceof Question) {
      const { id } = plan;
      return new QuestionWatch(this, id, () => this.questions.delete(id));
    }
    if (message.method !== 'BYE') return undefined;
    const { callId, fromTag } = message;
    return new ByeWatch((code) => this.addLater(['byeEnded', callId, fromTag, code]));
  }

  /** Only an ACK in a dialog leaves without state here, and nothing is noted of it. */
  forwarded(): void {}

  refused(
    message: SipMessage,
    source: Source,
    code: number,
    reason: string,
    origin: { rule: string } | undefined,
  ): void {
    // Neither of these is recorded (see CallLedger.refused).
    if (code < 300 || message.toTag !== '') return;
    if (origin === BY_BRAIN || this.reports.isBehind) return;
    this.addLater(['refused', ...this.cameAs(source, message.text), code, reason, origin?.rule ?? null]);
  }

  /** @internal Says something that the brain is to hear now. */
  add(item: FromWorker): void {
    this.outbox.add(item);
  }

  /** @internal Says something that may wait. Where calls count as load, their end may not. */
  addLater(item: FromWorker): void {
    const { countsLoad } = this.live;
    // A BYE frees its destination, and means nothing else by itself.
    if (item[0] === 'bye' && !countsLoad) return;
    this.reports.add(item);
    if (countsLoad && (item[0] === 'ended' || item[0] === 'bye')) this.outbox.add(BELL);
  }

  /** @internal Milliseconds as the brain counts them; its items have no use for more digits. */
  now(): number {
    return Math.round((performance.now() + this.ahead) * 10) / 10;
  }

  private receiveOne(item: ToWorker): void {
    switch (item[0]) {
      case 'relay':
        this.answered(item[1], (question) => {
          const [, , relay] = item;
          const { dialog } = question;
          if (dialog?.startsWith(`${relay.hop.tags} ${relay.hop.address} ${relay.hop.port} `)) this.dialogs.add(dialog);
          question.relay(relay);
        });
        return;
      case 'reply':
        this.answered(item[1], (question) => {
          const [, id, code, reason, headers] = item;
          this.questions.delete(id);
          question.decided({
            kind: 'reply',
            code,
            reason,
            ...(headers === null ? {} : { headers }),
            origin: BY_BRAIN,
          });
        });
        return;
      case 'mine':
        this.leave(item[1]);
        return;
      case 'verdict':
        this.questions.get(item[1])?.verdict(item[2]);
        return;
      case 'marked':
        this.marks.marked(item[1]);
        return;
      case 'rules':
        this.rules.use(item[1], item[2]);
        return;
      case 'table':
        this.replica.begin(item);
        return;
      case 'rows':
        this.replica.add(item[1], item[2]);
        return;
      case 'tableEnd':
        this.replica.end(item[1]);
        return;
      case 'noTable':
        this.replica.forget(item[1], item[2]);
        return;
      case 'ping':
        this.add(['pong']);
        return;
      case 'message': {
        const [, socket, address, port, text] = item;
        const to = this.sockets[socket];
        if (to !== undefined) this.layer.receive(text, this.sourceOf(to, address, port));
        return;
      }
      case 'undelivered':
        this.layer.undelivered(item[1], item[2], item[3]);
        return;
      case 'key':
        this.keys.use(item[1]);
        return;
      case 'live':
        this.take(item[1]);
        return;
      case 'askAll':
        this.asksAll = item[1];
        return;
      case 'forget':
        this.dialogs.forget();
        return;
      case 'script':
        void this.script?.use(item[2]).then(() => this.add(['scriptTaken', item[1]]));
        return;
      case 'scriptTables':
        void this.script?.readTables().then(() => this.add(['scriptTaken', item[1]]));
        return;
      case 'giveUp':
        this.proxy.giveUp();
        return;
      case 'warmUp':
        void this.warmUp?.(item[1]).then((calls) => this.reports.add(['log', 'debug', { calls }, 'warmed up']));
        return;
      case 'setup':
        return;
    }
  }

  /** An answer came; if the caller has had a reply meanwhile, it comes too late. */
  private answered(id: number, use: (question: Question) => void): void {
    const question = this.questions.get(id);
    if (question === undefined) return;
    if (question.request.transaction().request !== undefined) {
      use(question);
      return;
    }
    this.questions.delete(id);
    question.decided({ kind: 'drop' });
    this.add(['cancelled', id]);
    this.add(['ended', id, this.now(), 487, false]);
  }

  /** The brain does what is to be done with a request. */
  private leave(id: number): void {
    const question = this.questions.get(id);
    if (question === undefined) return;
    this.questions.delete(id);
    const { request } = question;
    const gaveUp = request.transaction().request === undefined;
    question.decided({ kind: 'drop' });
    if (gaveUp) this.add(['cancel', ...this.cameAs(request.source, request.message.text)]);
  }

  private ask(request: RoutedRequest, dialog: string | undefined): Promise<RouteDecision> {
    const id = ++this.asked;
    const question = new Question(this, id, request, dialog);
    this.questions.set(id, question);
    const { message, source } = request;
    // The brain counts what it is asked about.
    this.counters.layer.requestsReceived.value--;
    this.counters.proxy.requests.value--;
    if (message.method === 'INVITE') this.counters.proxy.invites.value--;
    this.add(['ask', id, ...this.cameAs(source, message.text)]);
    return question.decision();
  }

  /** Hands on a reply that the kernel gave to the wrong process. */
  private leavesReply(reply: SipMessage, source: Source): boolean {
    const owner = socketOfReply(reply.via?.branch ?? '');
    const { worker, workers } = this.setup;
    if (owner === worker || owner > workers) return false;
    this.counters.layer.repliesReceived.value--;
    const came = this.cameAs(source, reply.text);
    this.add(owner === 0 ? ['pass', ...came] : ['to', owner, ...came]);
    return true;
  }

  /** Hands on a request that the kernel gave to the wrong process. */
  private leaves(request: SipMessage, source: Source): boolean {
    const { workers, worker } = this.setup;
    const owner = socketOfRequest(request.callId, workers);
    if (owner === worker || owner === 0) return false;
    this.counters.layer.requestsReceived.value--;
    this.add(['to', owner, ...this.cameAs(source, request.text)]);
    return true;
  }

  private passOn(message: SipMessage, source: Source): void {
    this.counters.layer.requestsReceived.value--;
    this.add(['pass', ...this.cameAs(source, message.text)]);
  }

  private cameAs({ socket, address, port }: Source, text: string): [number, string, number, string] {
    return [this.sockets.indexOf(socket), address, port, text];
  }

  private sourceOf(socket: SipSocket, address: string, port: number): Source {
    return (socket as UdpSocket).sourceOf(address, port);
  }

  private take(live: LiveSetup): void {
    this.live = live;
    this.trusted.replace(new AddressBlocks(live.trustedSources));
  }

  private report(): void {
    const now = performance.now();
    if (this.tally.size > 0 && now - this.selectedAt >= SELECTED_MS) {
      this.selectedAt = now;
      this.reports.add(['selected', this.tally.take()]);
    }
    if (this.sharedCounters.publish(this.counted)) this.reports.remind();
    this.figures.set(this.layer.figures());
  }

  private socketOf(shared: SharedSocket, queue: DatagramQueue, libc: Libc): SipSocket {
    const { transport, address: host, port, fd } = shared;
    const options = { transport, host, port, advertise: shared.advertise ?? undefined, text: hostPort(host, port) };
    // Only its name counts here: what would leave by it is left to the brain.
    if (fd === null) return new UnopenedSocket(options, () => undefined);
    const opening = () => ({ fd, port });
    return createSipSocket(options, this.layer, undefined, {}, queue, async () => libc, opening);
  }
}

/** A BYE that is relayed here. */
class ByeWatch implements RelayWatch {
  constructor(private readonly done: (code: number) => void) {}

  ended(code: number): void {
    this.done(code);
  }

  sent(): void {}
  provisional(): void {}
  failed(): void {}
  passedOver(): void {}
  cancelled(): void {}
}
