import { AddressBlocks } from '../core/address-blocks.js';
import { boundedLog } from '../core/bounded-log.js';
import { type Clock, systemClock } from '../core/clock.js';
import { HeldClock } from '../core/held-clock.js';
import type { KeptCall } from '../core/kept-call.js';
import { type KeptKey, KeyRing } from '../core/key-ring.js';
import type { Logger } from '../core/logger.js';
import { systemRandom } from '../core/random.js';
import { SharedValues } from '../core/shared-values.js';
import { SharedLoads } from '../engine/shared-loads.js';
import { DialogTokens } from '../proxy/dialog-token.js';
import { ProxyCore } from '../proxy/proxy.js';
import { Admission } from '../sip/admission.js';
import { Congestion } from '../sip/congestion.js';
import { LocalSockets } from '../sip/local-sockets.js';
import type { SipMessage } from '../sip/message.js';
import { logMore } from '../sip/name-answers.js';
import { PeerTables } from '../sip/peer-tables.js';
import { Resolver } from '../sip/resolve.js';
import { TransactionLayer } from '../sip/transaction/layer.js';
import type { InviteServer } from '../sip/transaction/server.js';
import type { TransactionUser } from '../sip/transaction/user.js';
import { createSipSocket } from '../sip/transport/create.js';
import { DatagramQueue } from '../sip/transport/datagram-queue.js';
import type { Libc } from '../sip/transport/native/libc.js';
import { markerOf } from '../sip/transport/native/steering.js';
import { hostPort, type SipSocket, type Source } from '../sip/transport/transport.js';
import { TrustedSources } from '../sip/trusted-sources.js';
import { WorkShare } from '../sip/work-share.js';
import { CallClaims } from './call-claims.js';
import { HandingOn } from './handing-on.js';
import { KnownDialogs } from './known-dialogs.js';
import { LargeMessages } from './large-messages.js';
import { LocalRules } from './local-rules.js';
import { MarkRequests } from './mark-requests.js';
import type { LiveSetup, LogLevel, SharedSocket, ToWorker, WarmUpPlan, WorkerSetup } from './protocol.js';
import { OpenQuestions } from './questions.js';
import { RelayReports } from './relay-reports.js';
import { RemoteSends, RemoteSocket } from './remote-socket.js';
import { Replica } from './replica.js';
import { RequestClaims } from './request-claims.js';
import { ClaimingOwners, EvenOwners, FIRST_WORKER, type RequestOwners } from './request-owners.js';
import { ScriptGate } from './script-gate.js';
import { SelectionCounts } from './selection-counts.js';
import { SentLog } from './sent-log.js';
import { SharedCounters } from './shared-counters.js';
import { SharedFigures } from './shared-figures.js';
import { callsOf, ownerOf } from './shared-layout.js';
import { SharedRateLimiter } from './shared-rate-limit.js';
import { newCounters, tallies } from './tallies.js';
import { type SendToBrain, ToBrain } from './to-brain.js';
import { LoadMeter, spentHere } from './worker-load.js';
import { WorkerRouter } from './worker-router.js';
import type { StartScript, WorkerScript } from './worker-script.js';
import { WorkerTap } from './worker-tap.js';

/** Milliseconds between two reports of the counters without datagrams, since timers change them too. */
const REPORT_MS = 500;
/** Milliseconds between two reports of selections. */
const SELECTED_MS = 25;
const BUSY = ['busy'] as const;

/**
 * Makes warm-up calls through objects other than the serving worker. `ended`: whether to stop after this number of
 * calls. Resolves with the number of calls; never rejects.
 */
export type WarmUp = (plan: WarmUpPlan, ended: (made: number) => boolean) => Promise<number>;

/**
 * A worker: its sockets, transactions and relays. If it cannot decide where a request goes, it asks the brain, once for
 * each request outside a dialog and after each failure. What this process cannot do at all is left to the brain.
 */
export class Worker implements TransactionUser {
  /** @internal */
  readonly sockets: readonly SipSocket[];
  private readonly layer: TransactionLayer;
  private readonly tap: WorkerTap;
  private readonly proxy: ProxyCore;
  private readonly brain: ToBrain;
  private readonly handing: HandingOn;
  private readonly sends: RemoteSends;
  private readonly questions: OpenQuestions;
  private readonly sharedCounters: SharedCounters;
  private readonly dialogs: KnownDialogs;
  private readonly trusted = new TrustedSources();
  private readonly counters = newCounters();
  private readonly counted = tallies(this.counters);
  private readonly local: LocalSockets;
  private readonly replica: Replica;
  private readonly figures: SharedFigures;
  private readonly rules: LocalRules;
  private readonly marks: MarkRequests;
  /** Selections by partition since the last report. */
  private readonly tally = new SelectionCounts();
  private readonly script: WorkerScript | undefined = undefined;
  private selectedAt = 0;
  /** undefined: nobody needs its load. */
  private readonly load: LoadMeter | undefined = undefined;
  private readonly keys: KeyRing;
  private live: LiveSetup;
  private asksAll = false;
  /** Whether the message that is being received was handed on by another process. */
  private isHanded = false;

  constructor(
    setup: WorkerSetup,
    libc: Libc,
    send: SendToBrain,
    startScript?: StartScript,
    private readonly warmUp?: WarmUp,
  ) {
    const { token, worker, workers, transactions, proxy, gatherMs, paceMs } = setup;
    const { fd, bytes } = setup.memory;
    const memory = libc.map(fd, bytes);
    const brain = (this.brain = new ToBrain(memory, worker, setup.ahead, send));
    this.sends = new RemoteSends((item) => brain.hand(item));
    this.sharedCounters = new SharedCounters(memory, worker);
    this.live = setup.live;
    const now = () => systemClock.monotonic();
    const values = setup.values && new SharedValues(libc.map(setup.values.fd, setup.values.bytes), () => brain.time());
    const { requestSeeds } = setup;
    const usual = requestSeeds === undefined ? undefined : FIRST_WORKER;
    const claims = values && new CallClaims(values, worker, workers, usual, process.pid);
    const owners: RequestOwners =
      requestSeeds === undefined
        ? new EvenOwners(workers, claims)
        : new ClaimingOwners(new RequestClaims(memory, requestSeeds, () => brain.time()), claims, () => worker);
    const passing: Pick<ToBrain, 'hand' | 'described'> = {
      hand: (item) => {
        this.tap.passed();
        return brain.hand(item);
      },
      described: (...came) => brain.described(...came),
    };
    this.handing = new HandingOn(worker, workers, passing, this.counters, now, this.trusted, owners);
    const log: Logger = boundedLog(
      new SentLog(
        (level, fields, message) => brain.addLater(['log', level, fields, message]),
        () => this.live.logLevel,
      ),
      now,
    );
    const [newest, ...older] = setup.keys;
    this.keys = new KeyRing((newest as KeptKey).key, () => systemClock.now(), older);
    const tokens = new DialogTokens(this.keys);
    const congestion = new Congestion(now, {}, this.trusted);
    const limiter = new SharedRateLimiter(memory, () => brain.time(), this.trusted);
    const peers = new PeerTables(this.counters.tables, this.trusted, log);
    const admission = new Admission(this.counters.layer, {
      // The process that handed it on has counted it.
      limiter: { take: (source) => (this.isHanded ? 0 : limiter.take(source)) },
      congestion,
      work: new WorkShare(peers, this.trusted),
      trusted: this.trusted,
    });
    const { layer: tally } = this.counters;
    const held = new HeldClock(systemClock);
    this.figures = new SharedFigures(memory, worker, workers);
    this.layer = new TransactionLayer(transactions, held, systemRandom, tally, log, admission, {
      identity: { token, marker: markerOf(worker) },
      figures: this.figures,
      strayError: (...error) => this.handing.undelivered(...error),
    });
    this.tap = new WorkerTap(this.layer, brain);
    const queue = new DatagramQueue({
      gatherMs,
      paceMs,
      clock: held,
      handled: (datagrams, full) => {
        congestion.handled(datagrams, full);
        this.report(full);
        brain.flush();
      },
    });
    if (requestSeeds !== undefined) {
      this.load = new LoadMeter({
        memory,
        worker,
        now: () => brain.time(),
        spent: () => spentHere(queue.sleptMs),
        notify: () => brain.add(BUSY),
      });
    }
    this.sockets = setup.sockets.map((each, index) => this.socketOf(each, index, queue, libc));
    brain.sockets = this.sockets;
    // The brain sends, and traces, what uses connections.
    this.tap.watch(this.sockets.filter((each) => !(each instanceof RemoteSocket)));
    const local = (this.local = new LocalSockets(
      this.sockets,
      setup.sockets.map(({ name }) => name ?? undefined),
      setup.aliases,
    ));
    const resolver = new Resolver(
      systemClock,
      systemRandom,
      undefined,
      local.transports,
      undefined,
      undefined,
      logMore(log),
      peers,
    );
    this.dialogs = new KnownDialogs(now);
    this.questions = new OpenQuestions(brain, this.dialogs, this.counters);
    const loads = new SharedLoads(callsOf(memory), { now: () => brain.time(), owner: ownerOf(worker) });
    this.replica = new Replica({
      memory,
      owner: ownerOf(worker),
      clock: systemClock,
      random: systemRandom,
      log,
      loads,
      prepare: (partition) => this.rules.prepare(partition),
      taken: (name, generation) => brain.addLater(['tableTaken', name, generation]),
    });
    this.marks = new MarkRequests(this.replica.engine.states, (item) => brain.add(item));
    const asksAlways = () => this.asksAll;
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
    const asked = new LargeMessages(now);
    const router = new WorkerRouter({
      decide: (request) => this.rules.decide(request),
      passage: (request, loose) => this.rules.mayPass(request, loose),
      sockets: local,
      tokens,
      dialogs: this.dialogs,
      proxy,
      sender: () => this.proxy.sender,
      mayAsk: (characters) => asked.take(characters),
      ask: (request, dialog) => {
        this.tap.passed();
        return this.questions.ask(request, dialog);
      },
      pass: ({ message, source }) => this.handing.requestToBrain(message, source),
      asksAlways,
      callEnded: (callId) => loads.endAll(callId),
    });
    const observer = new RelayReports(brain, this.questions, () => this.replica.begun(worker));
    // A request too large for a datagram is left to the brain.
    const options = { ...proxy, udpMaxRequest: 0 };
    const { proxy: tallied } = this.counters;
    this.proxy = new ProxyCore(
      this.layer,
      local,
      resolver,
      router,
      tallied,
      options,
      log,
      systemRandom,
      tokens,
      observer,
    );
    const { script } = setup;
    if (script === undefined || startScript === undefined) this.layer.attach(this);
    else {
      const { layer, counters, replica, tally: selections } = this;
      const clock: Clock = { ...systemClock, monotonic: () => brain.time() };
      const parts = {
        worker,
        script,
        layer,
        counters,
        engine: replica.engine,
        sockets: local,
        resolver,
        peers,
        tokens,
        log,
        values,
        claims,
        clock,
        publish: (partition: string, kind: string, text: string): boolean => {
          brain.addLater(['publish', partition, kind, text]);
          return true;
        },
        keep: (id: string, call: KeptCall | undefined) => brain.addLater(['keep', id, call ?? null]),
      };
      this.script = startScript({ ...parts, observer, tally: selections });
      const gate = new ScriptGate(this.script.core, {
        handsOn: (message, source, isRequest) =>
          isRequest ? this.handing.request(message, source) : this.handing.reply(message, source),
        leaving: {
          runs: () => !asksAlways() && this.rules.isWhole() && this.script?.isReady === true,
          keeps: (callId) => claims?.keeps(callId) === true,
          pass: (request, source) => this.handing.requestToBrain(request, source),
          now,
        },
      });
      this.layer.attach(gate, gate);
    }
    this.take(setup.live);
    this.trace(setup.askAll);
  }

  /** Begins to read its sockets. Rejects when one cannot be read. */
  async open(): Promise<void> {
    for (const socket of this.sockets) await socket.open();
    // Only now are the advertised addresses known.
    this.refresh();
    setInterval(() => this.report(), REPORT_MS);
    this.brain.add(['ready']);
  }

  /** Its sockets can be used; for a worker whose sockets are not opened by `open`. */
  refresh(): void {
    this.local.refresh(this.sockets);
  }

  /** Ends all transactions. */
  stop(): void {
    this.layer.stop();
  }

  /** Closes what scripts have opened, when pending writes are done. Never rejects. */
  async close(): Promise<void> {
    await this.script?.close();
  }

  /** Handles items from the brain. */
  receive(items: readonly ToWorker[]): void {
    for (const item of items) this.receiveOne(item);
    this.brain.flush();
  }

  /** Writes a line to the daemon's log at once. */
  log(level: LogLevel, fields: object, message: string): void {
    this.brain.add(['log', level, fields, message]);
  }

  onRequest(request: SipMessage, source: Source): void {
    if (!this.handing.request(request, source)) this.proxy.onRequest(request, source);
  }

  onAck(request: SipMessage, source: Source): void {
    if (!this.handing.request(request, source)) this.proxy.onAck(request, source);
  }

  onCancel(server: InviteServer | undefined): void {
    this.proxy.onCancel(server);
  }

  onFurtherSuccess(reply: SipMessage, pass: (text: string) => void): void {
    this.proxy.onFurtherSuccess(reply, pass);
  }

  onStrayReply(reply: SipMessage, source: Source): void {
    if (!this.handing.reply(reply, source)) this.handing.replyToBrain(reply, source);
  }

  private receiveOne(item: ToWorker): void {
    switch (item[0]) {
      case 'relay':
        this.questions.relay(item[1], item[2]);
        return;
      case 'reply':
        this.questions.reply(item[1], item[2], item[3], item[4]);
        return;
      case 'mine':
        this.questions.leave(item[1]);
        return;
      case 'verdict':
        this.questions.verdict(item[1], item[2]);
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
        this.brain.add(['pong']);
        return;
      case 'message': {
        const [, socket, address, port, text] = item;
        const source = this.brain.sourceOf(socket, address, port);
        if (source === undefined) return;
        this.isHanded = true;
        // It never throws.
        this.tap.receive(text, source);
        this.isHanded = false;
        return;
      }
      case 'undelivered':
        this.layer.undelivered(item[3], item[1], item[2]);
        return;
      case 'unsent': {
        const [, id, cause, message, stale] = item;
        this.sends.failed(id, { cause, message, stale });
        return;
      }
      case 'key':
        this.keys.use(item[1]);
        return;
      case 'live':
        this.take(item[1]);
        return;
      case 'askAll':
        this.trace(item[1]);
        return;
      case 'forget':
        this.dialogs.forget();
        return;
      case 'script':
        void this.script?.use(item[2]).then(() => this.brain.add(['scriptTaken', item[1]]));
        return;
      case 'scriptTables':
        void this.script?.readTables(item[2]).then(() => this.brain.add(['scriptTaken', item[1]]));
        return;
      case 'command': {
        const [, id, name, params] = item;
        const answer = this.script?.run(name, JSON.parse(params) as Record<string, string>);
        void answer?.then((found) => this.brain.add(['answer', id, found]));
        return;
      }
      case 'giveUp':
        this.proxy.giveUp();
        return;
      case 'warmUp': {
        const plan = item[1];
        // Real calls that come meanwhile warm the worker up too, and need its time more.
        void this.warmUp?.(plan, (made) => made + this.counters.proxy.invites.value >= plan.calls).then((calls) =>
          this.brain.addLater(['log', 'debug', { calls }, 'warmed up']),
        );
        return;
      }
      case 'setup':
        return;
    }
  }

  private trace(isTraced: boolean): void {
    this.asksAll = isTraced;
    this.tap.trace(isTraced);
  }

  private take(live: LiveSetup): void {
    this.live = live;
    this.brain.countsLoad = live.countsLoad;
    this.trusted.replace(new AddressBlocks(live.trustedSources));
  }

  /** `full`: datagrams were left waiting. */
  private report(full = false): void {
    const now = performance.now();
    this.load?.look(now, full);
    if (this.tally.size > 0 && now - this.selectedAt >= SELECTED_MS) {
      this.selectedAt = now;
      this.brain.addLater(['selected', this.tally.take()]);
    }
    if (this.sharedCounters.publish(this.counted)) this.brain.remind();
    this.figures.set(this.layer.figures());
  }

  private socketOf(shared: SharedSocket, index: number, queue: DatagramQueue, libc: Libc): SipSocket {
    const { transport, address: host, port, fd } = shared;
    const options = { transport, host, port, advertise: shared.advertise ?? undefined, text: hostPort(host, port) };
    if (fd === null) return new RemoteSocket(options, index, this.sends);
    const opening = () => ({ fd, port });
    return createSipSocket(options, this.tap, undefined, {}, queue, async () => libc, opening);
  }
}
