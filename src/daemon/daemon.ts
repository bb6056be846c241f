import { isDeepStrictEqual } from 'node:util';
import { BlacklistTable } from '../blacklist/blacklist.js';
import type { Settings } from '../config/settings.js';
import { AddressBlocks } from '../core/address-blocks.js';
import { type Clock, systemClock } from '../core/clock.js';
import { Emitter } from '../core/emitter.js';
import { messageOf } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import { type Random, systemRandom } from '../core/random.js';
import type { Service } from '../core/service.js';
import { nextTurn } from '../core/turn.js';
import { within } from '../core/within.js';
import { Engine } from '../engine/engine.js';
import type { Partition } from '../engine/partition.js';
import { EventIds, manualEvent } from '../events/catalogue.js';
import type { DispatcherEvent, EventSink } from '../events/event.js';
import { EventPublisher } from '../events/publisher.js';
import { UdpSink, UnixSink } from '../events/sinks/datagram.js';
import { createNats, type NatsBus } from '../events/sinks/nats.js';
import { healthHandler, metricsHandler } from '../http/handlers.js';
import { HttpServer } from '../http/server.js';
import { MiDatagram } from '../management/endpoints/datagram.js';
import { MiFifo } from '../management/endpoints/fifo.js';
import { createMiHttpHandler } from '../management/endpoints/http.js';
import { registerCommands } from '../management/mi/commands/all.js';
import { MiHandler } from '../management/mi/handler.js';
import { createProber, type Prober } from '../probing/prober.js';
import type { Router } from '../proxy/decision.js';
import { ProxyCore } from '../proxy/proxy.js';
import { type DispatcherFormats, RequestScope } from '../route/request-scope.js';
import { compileRule } from '../route/rules/rule.js';
import { RulesRouter } from '../route/rules/rules-router.js';
import type { LoadedScript } from '../route/script/load.js';
import { Congestion } from '../sip/congestion.js';
import { LocalSockets } from '../sip/local-sockets.js';
import type { SipMessage } from '../sip/message.js';
import { Originator } from '../sip/originate.js';
import { SourceRateLimiter } from '../sip/rate-limit.js';
import { Resolver } from '../sip/resolve.js';
import { TransactionLayer } from '../sip/transaction/layer.js';
import { createSipSocket } from '../sip/transport/create.js';
import { DatagramTurn } from '../sip/transport/datagram-turn.js';
import type { SipSocket } from '../sip/transport/transport.js';
import { UnfinishedBytes } from '../sip/transport/unfinished.js';
import { Metrics } from '../stats/metrics.js';
import { JobQueue } from '../tenant/job-queue.js';
import { blacklistDefinitions, dispatcherFormats } from '../tenant/options.js';
import { PartitionRuntimes } from '../tenant/tenants.js';
import type { WeightFeed } from '../weight-feed/weight-feed.js';
import { CallRecording } from './build-calls.js';
import { ChangeReporter } from './change-reporter.js';
import { congestionLog } from './congestion-log.js';
import { registerGauges } from './destination-metrics.js';
import { drain } from './drain.js';
import { KamailioSide } from './kamailio.js';
import { createKamailioRpc } from './kamailio-rpc.js';
import { dispatcherControl, statusReports } from './mi-dependencies.js';
import { onceAMinute } from './once-a-minute.js';
import { restartOnly } from './restart-only.js';
import { RouteScripts } from './route-scripts.js';
import { selectionTally } from './selection-tally.js';
import { registerSipGauges } from './sip-metrics.js';
import { connectionBounds, layerOptions, rateLimit } from './sip-options.js';
import { socketCheck } from './socket-check.js';
import { StartTime } from './start-time.js';
import { createCounters, DaemonStatistics } from './statistics.js';
import { VERSION } from './version.js';
import { createWeightFeeds } from './weight-feeds.js';

export interface DaemonOptions {
  readonly settings: Settings;
  readonly log: Logger & { level?: string };
  readonly clock?: Clock;
  readonly random?: Random;
  readonly argv?: readonly string[];
  /** Milliseconds the first loads may hold up the listeners; partitions that take longer come later. Default 3000. */
  readonly firstLoadMs?: number;
  /** Milliseconds a shutdown waits for calls that have no final reply yet. Default 5000. */
  readonly drainMs?: number;
}

/** Milliseconds a start waits to learn from NATS what an earlier run has told. */
const CATCH_UP_MS = 500;

/** The whole product in one object: constructs everything, starts it in order and stops it in reverse. */
export class Daemon implements Service {
  readonly name = 'switchyard';
  readonly engine: Engine;
  readonly metrics = new Metrics();
  readonly mi: MiHandler;
  readonly layer: TransactionLayer;
  readonly proxy: ProxyCore;
  readonly sockets: LocalSockets;
  readonly http: HttpServer | undefined;
  readonly miDatagrams: readonly MiDatagram[];
  private readonly clock: Clock;
  private formats: DispatcherFormats;
  private settings: Settings;
  private readonly selections: ReturnType<typeof selectionTally>;
  private readonly scripts: RouteScripts;
  private readonly originator: Originator;
  private readonly statistic: (name: string) => number | undefined;
  private readonly log: Logger;
  private readonly events = new Emitter<DispatcherEvent>((error) =>
    this.log.error({ err: error }, 'an event listener failed'),
  );
  private readonly publisher: EventPublisher;
  private readonly nats: NatsBus | undefined;
  private readonly resolver: Resolver;
  private readonly blacklists: BlacklistTable;
  private readonly sipSockets: SipSocket[];
  private readonly limiter: SourceRateLimiter;
  private readonly congestion: Congestion;
  private readonly unfinished = new UnfinishedBytes();
  private readonly miFifo: MiFifo | undefined;
  private readonly partitions: PartitionRuntimes;
  private readonly prober: Prober;
  private readonly weightFeeds: readonly WeightFeed[];
  private readonly kamailio: KamailioSide;
  /** Runs one of Kamailio's RPC commands. */
  readonly callRpc: (method: string, params: unknown) => Promise<object>;
  private readonly kamailioRpc: readonly Service[];
  private readonly changes: ChangeReporter;
  readonly calls: CallRecording;
  private readonly started: Service[] = [];
  private readonly settingsJobs = new JobQueue();
  private ready = false;
  private serving = false;
  private stopping: Promise<void> | undefined;

  constructor(private readonly options: DaemonOptions) {
    const { settings } = options;
    this.settings = settings;
    const clock = (this.clock = options.clock ?? systemClock);
    const random = options.random ?? systemRandom;
    const log = (this.log = options.log);
    const started = new StartTime(clock);

    this.engine = new Engine({
      clock,
      random,
      ...(settings.defaultPartition === undefined ? {} : { defaultPartition: settings.defaultPartition }),
      warn: onceAMinute(log, clock),
      onListenerError: (error) => log.error({ err: error }, 'a listener of state changes failed'),
    });
    const { engine, metrics } = this;
    this.kamailio = new KamailioSide(engine, clock, () => this.settings.dispatcher);

    // SIP
    const counters = createCounters(metrics);
    const { tm } = settings;
    this.layer = new TransactionLayer(layerOptions(settings), clock, random, counters.layer, log);
    this.limiter = new SourceRateLimiter(rateLimit(settings), () => clock.monotonic());
    this.layer.limiter = this.limiter;
    this.congestion = new Congestion(() => clock.monotonic(), congestionLog(log, clock));
    this.layer.congestion = this.congestion;
    const bounds = connectionBounds(settings, this.unfinished);
    this.trust(settings);
    const turn = new DatagramTurn({
      gatherMs: settings.limits.gatherMs,
      handled: (datagrams) => this.congestion.handled(datagrams),
    });
    this.sipSockets = settings.listen.map((each) => createSipSocket(each, this.layer, settings.tls, bounds, turn));
    this.sockets = new LocalSockets(
      this.sipSockets,
      settings.listen.map((each) => each.name),
    );
    const noSocket = socketCheck(this.sockets, settings.listen, () => this.serving, log);
    this.resolver = new Resolver(clock, random, undefined, this.sockets.transports);
    const statistics = new DaemonStatistics(counters, this.layer, engine, started);
    this.statistic = (name) => statistics.lookup(name);
    const formats = this.formatsOf(settings);
    this.formats = formats;

    // Partitions
    this.blacklists = new BlacklistTable(log, blacklistDefinitions(settings));
    this.partitions = new PartitionRuntimes({
      engine,
      dispatcher: () => this.settings.dispatcher,
      resolver: this.resolver,
      noSocket,
      clock,
      log,
      loaded: (partition) => this.loaded(partition),
      renamed: (partition) => this.rebuildBlacklists(partition),
    });
    this.partitions.add(settings.partitions);

    // Routing
    this.selections = selectionTally(
      metrics.counter('switchyard_selections_total', 'Selections by partition and result'),
    );
    const { sockets, blacklists, selections } = this;
    this.scripts = new RouteScripts({
      engine,
      sockets,
      blacklists,
      tally: selections,
      clock,
      log,
      reload: async (name) => {
        const inheritState = engine.partition(name)?.kamailio === undefined;
        await this.partitions.byName.get(name)?.reload({ inheritState, dryRun: false });
      },
    });
    const router = this.router(settings, formats, undefined);
    this.proxy = new ProxyCore(this.layer, this.sockets, this.resolver, router, counters.proxy, tm, log);
    this.calls = new CallRecording(settings, clock, log, undefined);
    this.proxy.observer = this.calls.ledger;

    // Probing
    const { kamailio } = this;
    this.originator = new Originator(this.layer, this.sockets, this.resolver, random, `switchyard/${VERSION}`);
    const probes = metrics.counter('switchyard_probe_results_total', 'Probes by partition and result');
    this.prober = createProber({
      engine,
      stateTable: engine.states,
      config: settings.dispatcher,
      partitions: settings.partitions,
      clock,
      random,
      logger: log,
      // The prober's own deadline rules; the transaction's is there should that fail.
      send: (probe, done) =>
        this.originator.send({ ...kamailio.probe(probe), timeoutMs: probe.timeoutMs + 1000 }, done),
      wants: kamailio.wants,
      accepts: kamailio.accepts,
      observer: {
        ended: (destination, outcome, good) => {
          if (good !== undefined) kamailio.probed(destination, outcome);
          if (outcome.rtt !== undefined) this.calls.ledger.probed(destination, outcome.rtt);
          const result = good === undefined ? 'stale' : good ? 'good' : 'bad';
          probes.with({ partition: destination.partition, result }).value++;
        },
      },
    });

    // Events
    this.mi = new MiHandler(log, metrics, clock);
    const { nats } = settings.events;
    this.nats =
      nats === undefined
        ? undefined
        : createNats(nats, {
            clock,
            log,
            node: settings.node,
            version: VERSION,
            metrics,
            states: {
              resume: (entry, written, stored) => this.changes.resumed(entry, written, stored),
              isLoading: (name) => (this.partitions.byName.get(name)?.figures.loads ?? 1) === 0,
            },
            mi: {
              ...(settings.mi.nats === undefined ? {} : { subject: settings.mi.nats.subject }),
              answer: (text) => this.mi.handle(text, 'nats'),
            },
          });
    const bus = this.nats;
    this.weightFeeds = createWeightFeeds({
      engine,
      dispatcher: () => this.settings.dispatcher,
      nats,
      subscribe: bus && ((subject, listen) => bus.subscribe(subject, listen)),
      clock,
      random,
      log,
    });
    const sinks: EventSink[] = [
      new UdpSink({ defaultPartition: () => this.settings.defaultPartition }),
      new UnixSink({ defaultPartition: () => this.settings.defaultPartition }),
      ...(this.nats === undefined ? [] : [this.nats.sink]),
    ];
    this.publisher = new EventPublisher({ clock, log, sinks });
    const ids = new EventIds(settings.node, random);
    this.changes = new ChangeReporter({
      engine,
      log,
      node: () => this.settings.node,
      ids,
      raised: metrics.counter('switchyard_events_total', 'Events raised, by partition and status'),
      publish: (event) => this.publish(event),
      putState: bus && ((entry, key) => bus.putState(entry, key)),
    });
    engine.states.onChange((change) => this.changes.changed(change));

    // Management
    registerSipGauges(metrics, this.sipSockets, this.limiter, this.congestion, this.unfinished);
    registerGauges(metrics, {
      engine,
      layer: this.layer,
      runtimes: this.partitions.byName,
      prober: this.prober,
      publisher: this.publisher,
    });
    const control = dispatcherControl(this.partitions.byName, this.prober);
    const processInfo = {
      version: VERSION,
      platform: `${process.arch === 'x64' ? 'x86_64' : process.arch}/${process.platform}`,
      get startedAt() {
        return started.at;
      },
      now: () => clock.now(),
      argv: options.argv ?? process.argv,
      workingDirectory: () => process.cwd(),
      processes: () => [{ id: 0, pid: process.pid, type: 'switchyard' }],
    };
    registerCommands(this.mi, {
      partitions: () => [...engine.partitions],
      defaultPartition: () => engine.partition(''),
      states: engine.states,
      dispatcher: control,
      process: processInfo,
      statistics,
      events: this.publisher,
      raiseEvent: (name, params) => this.publish(manualEvent(name, params, ids)),
      blacklists: this.blacklists,
      reports: statusReports(engine, this.partitions.byName, this.changes),
      calls: this.calls,
      log: {
        level: () => (log as { level?: string }).level ?? 'info',
        setLevel: (level) => {
          (log as { level?: string }).level = level;
        },
      },
    });
    const { fifo, datagram } = settings.mi;
    this.miFifo = fifo === undefined ? undefined : new MiFifo({ config: fifo, handler: this.mi, clock, logger: log });
    this.miDatagrams = datagram.map((config) => new MiDatagram({ config, handler: this.mi, logger: log }));
    const rpc = createKamailioRpc({
      mi: settings.mi,
      engine,
      control,
      handler: this.mi,
      process: processInfo,
      statistics,
      sockets: () => this.sipSockets,
      noSocket,
      clock,
      log,
    });
    this.kamailioRpc = rpc.services;
    this.callRpc = (method, params) => rpc.call(method, params);
    this.http = settings.http === undefined ? undefined : new HttpServer({ ...settings.http, log });
    this.http?.mount('/metrics', metricsHandler(metrics), { methods: ['GET', 'HEAD'] });
    this.http?.mount(
      '/health',
      healthHandler(() => this.health()),
      { methods: ['GET', 'HEAD'] },
    );
    if (settings.mi.http !== undefined) this.http?.mount(`/${settings.mi.http.root}`, createMiHttpHandler(this.mi));
    if (rpc.http !== undefined) this.http?.mount(`/${rpc.http.root}`, rpc.http.handler);
  }

  /** Calls `listen` with each event raised in this process. The returned function removes it. */
  onEvent(listen: (event: DispatcherEvent) => void): () => void {
    return this.events.on(listen);
  }

  /** Starts everything; when something cannot start, what was started is stopped again and the reason thrown. */
  async start(): Promise<void> {
    try {
      await this.startServices();
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.ready = true;
    this.log.info(
      {
        listen: this.sipSockets.map((socket) => `${socket.transport}:${socket.sentBy}`),
        partitions: [...this.partitions.byName.keys()],
        version: VERSION,
      },
      'switchyard is ready',
    );
  }

  /**
   * Stops taking calls, lets those under way finish for a while, writes states back, delivers events, and releases
   * everything. Safe to call more than once.
   */
  stop(): Promise<void> {
    return (this.stopping ??= this.stopServices());
  }

  /**
   * Loads all partitions and starts nothing else: for answering what would be selected. The reasons of those that could
   * not be loaded, by partition.
   */
  async loadOnly(): Promise<ReadonlyMap<string, string>> {
    if (this.settings.dispatcher.algoRoute !== undefined) await this.loadScript();
    return this.partitions.loadAll();
  }

  /** Loads the route script, if the settings name one, and routes by it. Throws SwitchyardError SCRIPT_INVALID. */
  async loadScript(): Promise<void> {
    const { settings, formats } = this;
    const script = await RouteScripts.load(settings);
    if (script !== undefined) this.useScript(settings, formats, script, this.router(settings, formats, script));
  }

  /** A request as rules and the engine see it, with the module parameters' formats of this configuration. */
  scope(message: SipMessage): RequestScope {
    return new RequestScope(message, undefined, message.requestUri, this.formats);
  }

  /**
   * Takes new settings while calls go on: partitions are added, dropped and changed, rules, blacklists and probing are
   * replaced; certificates and the route script are read again. Destinations that stay keep their state. Returns the
   * settings that only a restart can change. Throws SwitchyardError when something in them cannot be used; nothing has
   * then been changed.
   */
  reconfigure(settings: Settings): Promise<readonly string[]> {
    // Two at once would each take what the other is about to start for what is there.
    return this.settingsJobs.run(undefined, () => this.takeSettings(settings));
  }

  private async takeSettings(settings: Settings): Promise<readonly string[]> {
    const formats = this.formatsOf(settings);
    const script = await RouteScripts.load(settings);
    const router = this.router(settings, formats, script);
    await this.partitions.check(settings.partitions);
    const certificates = this.sipSockets.map((socket) => socket.reloadCertificates?.());
    const before = this.settings;
    const dispatcherChanged = !isDeepStrictEqual(before.dispatcher, settings.dispatcher);
    this.settings = settings;
    this.formats = formats;
    this.engine.defaultPartition = settings.defaultPartition ?? 'default';
    const { retired, dropped } = this.partitions.retire(settings.partitions, dispatcherChanged);
    for (const name of dropped) this.changes.forget(name);
    this.blacklists.define(blacklistDefinitions(settings));
    const added = this.partitions.add(settings.partitions);
    this.useScript(settings, formats, script, router);
    this.prober.configure(settings.dispatcher, settings.partitions);
    // What the old store still has to write is written before the new one is read.
    await Promise.all(retired.map((runtime) => runtime.stop()));
    for (const name of dropped) {
      this.selections.forget(name);
      this.metrics.forget('partition', name);
    }
    await Promise.all(added.map((runtime) => runtime.start()));
    for (const partition of this.engine.partitions) this.rebuildBlacklists(partition);
    this.refreshWeights();
    this.nats?.syncSnapshot(() => this.changes.entries());
    for (const renew of certificates) renew?.();
    this.limiter.configure(rateLimit(settings));
    this.calls.configure(settings);
    this.trust(settings);
    (this.log as { level?: string }).level = settings.log.level;
    return restartOnly(before, settings);
  }

  /** What /health tells. */
  health(): { ready: boolean; details: Record<string, unknown> } {
    const partitions: Record<string, string> = {};
    let ready = true;
    for (const runtime of this.partitions.byName.values()) {
      partitions[runtime.name] = runtime.notReady ?? 'ready';
      if (runtime.notReady !== undefined) ready = false;
    }
    return {
      ready,
      details: {
        version: VERSION,
        partitions,
        ...(this.nats === undefined ? {} : { nats: this.nats.connected ? 'connected' : 'not connected' }),
      },
    };
  }

  private async startServices(): Promise<void> {
    this.serving = true;
    await this.loadScript();
    const began = Promise.all([...this.partitions.byName.values()].map((runtime) => runtime.start()));
    // A slow or dead database of one tenant must not keep the others waiting.
    await within(this.clock, this.options.firstLoadMs ?? 3000, began);
    if (this.nats !== undefined) {
      this.started.push(this.nats);
      await this.nats.start();
      await this.nats.caughtUp(CATCH_UP_MS);
    }
    for (const socket of this.sipSockets) await socket.open();
    this.sockets.refresh(this.sipSockets);
    const services: (Service | undefined)[] = [
      this.calls,
      this.http,
      this.miFifo,
      ...this.miDatagrams,
      ...this.kamailioRpc,
      this.kamailio,
      ...this.weightFeeds,
      this.prober,
    ];
    for (const service of services) {
      if (service === undefined) continue;
      this.started.push(service);
      await service.start();
    }
  }

  private async stopServices(): Promise<void> {
    const { log } = this;
    await drain(this.proxy, this.clock, log, this.options.drainMs ?? 5000);
    const release = async (what: string, work: () => Promise<unknown>): Promise<void> => {
      try {
        await work();
      } catch (error) {
        log.error({ err: { message: messageOf(error) } }, `stopping ${what} failed`);
      }
    };
    const isBus = (service: Service): boolean => service === this.nats;
    for (const service of this.started.filter((each) => !isBus(each)).reverse()) {
      await release(service.name, () => service.stop());
    }
    for (const socket of this.sipSockets) await release(socket.description, () => socket.close());
    this.layer.stop();
    await Promise.all(
      [...this.partitions.byName.values()].map((each) => release(`partition ${each.name}`, () => each.stop())),
    );
    for (const service of this.started.filter(isBus)) await release(service.name, () => service.stop());
    await release('event subscribers', () => this.publisher.stop());
    if (this.ready) log.info({}, 'switchyard has stopped');
  }

  private formatsOf(settings: Settings): DispatcherFormats {
    const { dispatcher } = settings;
    return dispatcherFormats(
      dispatcher,
      this.statistic,
      dispatcher.algoRoute === undefined ? undefined : (pvars, destination) => this.scripts.score(pvars, destination),
    );
  }

  private router(settings: Settings, formats: DispatcherFormats, script: LoadedScript | undefined): Router {
    if (settings.routeScript !== undefined) return this.scripts.router(settings, formats, script);
    const { engine, blacklists } = this;
    return new RulesRouter({
      engine,
      sockets: this.sockets,
      rules: settings.routing.map((rule) => compileRule(rule, (name) => engine.partition(name))),
      formats,
      blocked: (lists, address) => blacklists.blocked(lists, address),
      tally: this.selections,
      log: this.log,
      callEnded: this.kamailio.callEnded,
    });
  }

  private trust({ limits }: Settings): void {
    const trusted = new AddressBlocks(limits.trustedSources);
    this.layer.trusted = trusted;
    this.limiter.trusted = trusted;
    this.congestion.trusted = trusted;
    this.unfinished.trusted = trusted;
  }

  private useScript(
    settings: Settings,
    formats: DispatcherFormats,
    script: LoadedScript | undefined,
    router: Router,
  ): void {
    this.scripts.use(settings, formats, script);
    this.proxy.useRouter(router);
    this.originator.edit = this.scripts.seesLocal ? this.scripts.local : undefined;
  }

  private rebuildBlacklists(partition: Partition): void {
    void this.blacklists.rebuildInSlices(partition, nextTurn);
  }

  private loaded(partition: Partition): void {
    this.rebuildBlacklists(partition);
    this.prober.refresh();
    this.refreshWeights();
    this.nats?.syncSnapshot(() => this.changes.entries());
  }

  private refreshWeights(): void {
    for (const feed of this.weightFeeds) feed.refresh();
  }

  private publish(event: DispatcherEvent): void {
    this.scripts.event(event);
    this.events.emit(event);
    this.publisher.raise(event);
    this.nats?.publish(event);
  }
}
