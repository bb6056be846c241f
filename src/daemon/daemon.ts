import { isDeepStrictEqual } from 'node:util';
import { BlacklistTable } from '../blacklist/blacklist.js';
import type { LoadedCfg } from '../cfg-file/load.js';
import { formatProblems } from '../config/problem.js';
import type { Settings } from '../config/settings.js';
import type { Console } from '../console/server/console.js';
import { boundedLog } from '../core/bounded-log.js';
import { type Clock, systemClock } from '../core/clock.js';
import { SwitchyardError } from '../core/errors.js';
import { nextIteration } from '../core/event-loop.js';
import type { FocusableLogger } from '../core/log-focus.js';
import { type Logger, nullLogger } from '../core/logger.js';
import { systemRandom } from '../core/random.js';
import type { Service } from '../core/service.js';
import { Engine } from '../engine/engine.js';
import type { Partition } from '../engine/partition.js';
import { thresholdEvent } from '../events/catalogue.js';
import type { DispatcherEvent } from '../events/event.js';
import type { HealthReport } from '../http/handlers.js';
import type { HttpServer } from '../http/server.js';
import type { DatagramEndpoint } from '../management/endpoints/datagram.js';
import type { SettingsReload } from '../management/mi/dependencies.js';
import type { MiHandler } from '../management/mi/handler.js';
import type { Prober } from '../probing/prober.js';
import { DialogTokens } from '../proxy/dialog-token.js';
import type { ProxyCore } from '../proxy/proxy.js';
import type { RequestScope } from '../route/request-scope.js';
import type { Explanation } from '../route/rules/explain.js';
import type { LoadedScript } from '../route/script/route-table.js';
import type { LocalSockets } from '../sip/local-sockets.js';
import type { SipMessage } from '../sip/message.js';
import type { TransactionLayer } from '../sip/transaction/layer.js';
import { Metrics } from '../stats/metrics.js';
import type { StoreLoad } from '../store/store.js';
import { JobQueue } from '../tenant/job-queue.js';
import { blacklistDefinitions } from '../tenant/options.js';
import { type LoadOutcome, PartitionRuntimes } from '../tenant/tenants.js';
import { CallRecording } from './build-calls.js';
import { buildConsole } from './build-console.js';
import { buildEvents, type EventParts } from './build-events.js';
import { buildManagement, type ManagementParts } from './build-management.js';
import { buildProbing } from './build-probing.js';
import { buildSip, type SipParts } from './build-sip.js';
import { TraceControl } from './build-traces.js';
import { CallLoad } from './call-load.js';
import { ClusterHooks } from './cluster-hooks.js';
import type { DaemonOptions } from './daemon-options.js';
import { drain } from './drain.js';
import { Explanations } from './explanations.js';
import { firstLoads } from './first-loads.js';
import { healthOf } from './health.js';
import { onceAMinute } from './once-a-minute.js';
import { EventLoopDelay, SettingsReloads } from './process-metrics.js';
import { dnsStatistics, EventLoopLoad, memoryStatistics } from './process-statistics.js';
import { release } from './release.js';
import { ReloadProgress } from './reload-progress.js';
import { restartOnly } from './restart-only.js';
import { Routing } from './routing.js';
import { scriptCalls } from './script-calls.js';
import { ScriptRouting } from './script-routing.js';
import { faultOf } from './script-services.js';
import { Secret } from './secret.js';
import { selectionTally } from './selection-tally.js';
import { settingsChanges } from './settings-changes.js';
import { socketCheck, socketListens } from './socket-check.js';
import { StartTime } from './start-time.js';
import { DaemonStatistics } from './statistics.js';
import { Telemetry } from './telemetry.js';
import { VERSION } from './version.js';
import { WorkerHooks, workersFault } from './worker-hooks.js';

export type { Explanation } from '../route/rules/explain.js';
export type { ScriptExplanation } from './script-rehearsal.js';

/** Milliseconds a start waits for NATS to say what an earlier run has published. */
const CATCH_UP_MS = 500;

/** The whole product in one object: constructs everything, starts it in order and stops it in reverse. */
export class Daemon implements Service {
  readonly name = 'switchyard';
  readonly engine: Engine;
  readonly metrics = new Metrics();
  private readonly clock: Clock;
  private readonly log: Logger & Partial<FocusableLogger>;
  private settings: Settings;
  private readonly sip: SipParts;
  private readonly partitions: PartitionRuntimes;
  private readonly secret: Secret;
  private readonly blacklists: BlacklistTable;
  private readonly selections: ReturnType<typeof selectionTally>;
  private readonly callLoad: CallLoad;
  private readonly routing: Routing;
  private readonly script: ScriptRouting | undefined;
  readonly calls: CallRecording;
  readonly traces: TraceControl;
  private readonly telemetry: Telemetry;
  /** Updated by whoever reads settings again. */
  readonly settingsReloads: SettingsReloads;
  private readonly reloading: ReloadProgress;
  private readonly loopDelay: EventLoopDelay;
  private readonly load: EventLoopLoad;
  private readonly prober: Prober;
  private readonly events: EventParts;
  readonly management: ManagementParts;
  private readonly console: Console | undefined;
  private readonly cluster: ClusterHooks;
  private readonly hooks: WorkerHooks | undefined;
  private readonly started: Service[] = [];
  private readonly settingsJobs = new JobQueue();
  private ready = false;
  /** It was started to serve. */
  private serving = false;
  private stopping: Promise<void> | undefined;
  /** A load has just ended, and those that look at all partitions will. */
  private followsLoads = false;
  private recordNumber = 0;

  constructor(private readonly options: DaemonOptions) {
    const { settings, clock = systemClock, random = systemRandom, log } = options;
    const { metrics } = this;
    this.settings = settings;
    this.clock = clock;
    this.log = log;
    const cluster = new ClusterHooks(settings.cluster?.name);
    this.cluster = cluster;
    const startTime = new StartTime(clock);
    this.settingsReloads = new SettingsReloads(metrics, () => clock.now());
    this.reloading = new ReloadProgress(() => clock.monotonic());
    this.loopDelay = new EventLoopDelay(metrics);
    const engine = new Engine({
      clock,
      random,
      ...(settings.defaultPartition === undefined ? {} : { defaultPartition: settings.defaultPartition }),
      warn: onceAMinute(log, clock),
      onListenerError: (error) => log.error({ err: error }, 'a listener of state changes failed'),
    });
    this.engine = engine;
    // Peers can cause what these write.
    const peerLog = boundedLog(log, () => clock.monotonic());
    this.secret = options.copyOf?.secret ?? new Secret(settings, { clock, random, log });
    const { unsent } = options;
    this.hooks = settings.workers === 1 || unsent !== undefined ? undefined : new WorkerHooks(settings.workers, random);
    const sip = buildSip(settings, {
      clock,
      random,
      log: peerLog,
      metrics,
      ...(unsent === undefined ? {} : { unsent }),
      hooks: this.hooks,
      slowLookup: (name, ms) => this.events.bus.raise(thresholdEvent('dns', ms, name, this.events.ids)),
    });
    this.sip = sip;
    const dispatcher = () => this.settings.dispatcher;
    const listens = options.anySocket === true ? () => true : socketListens(sip.sockets, settings.listen);
    const noSocket = options.anySocket === true ? () => undefined : socketCheck(sip.sockets, settings.listen, log);
    this.blacklists = new BlacklistTable(log, blacklistDefinitions(settings));
    this.partitions = new PartitionRuntimes({
      engine,
      dispatcher,
      resolver: sip.resolver,
      noSocket,
      listens,
      clock,
      log,
      ...(cluster.configured ? { writesTable: ({ name }) => cluster.writesTable(name) } : {}),
      loaded: (partition) => this.loaded(partition),
      renamed: (partition) => this.rebuildBlacklists(partition),
    });
    this.partitions.add(settings.partitions);
    const runtimes = this.partitions.byName;
    this.callLoad = new CallLoad(engine, clock, dispatcher);
    this.selections = selectionTally(
      metrics.counter('switchyard_selections_total', 'Selections by partition and result'),
    );
    this.load = new EventLoopLoad(clock);
    const ofProcess = [...memoryStatistics(), ...this.load.statistics(), ...dnsStatistics(sip.resolver.figures)];
    const statistics = new DaemonStatistics(
      sip.counters,
      sip.layer,
      engine,
      startTime,
      ofProcess,
      () => this.script?.statistics() ?? [],
    );
    this.calls = new CallRecording(settings, clock, log, (entry) => {
      const { partition = '', node, time, seq } = entry;
      this.events.nats?.records?.publish(partition, `${node}:${time}:${seq}`, JSON.stringify(entry));
    });
    const routing = new Routing(
      {
        engine,
        sip,
        blacklists: this.blacklists,
        tally: this.selections,
        statistic: (name) => statistics.lookup(name),
        ...(cluster.configured ? { tag: (name) => cluster.tag(name) } : {}),
        reload: (name) => this.partitions.reloadForScript(name),
        callEnded: this.callLoad.callEnded,
        tokens: new DialogTokens(this.secret.keys),
        observer: this.calls.ledger,
        clock,
        random,
        log: peerLog,
        scriptLog: options.routeTrace?.log,
        routeTrace: options.routeTrace?.trace,
      },
      settings,
    );
    this.routing = routing;
    const { cfg, scriptOutput, scriptTrace } = options;
    this.script =
      cfg === undefined
        ? undefined
        : new ScriptRouting(
            {
              engine,
              sip,
              blacklists: this.blacklists,
              tally: this.selections,
              formats: () => routing.dispatcherFormats,
              reload: (name) => routing.reload(name),
              calls: scriptCalls(this.calls.ledger, sip.counters.proxy),
              publish: (partition, kind, text) => this.publishRecord(partition, kind, text),
              sharingTag: (name) => cluster.tag(name),
              subscribe: (...all) => faultOf(() => this.events.publisher.subscribe(...all)),
              tokens: new DialogTokens(this.secret.keys),
              clock,
              random,
              log,
              output: scriptOutput,
              trace: scriptTrace,
              memory: options.copyOf?.memory,
            },
            cfg,
            settings,
          );
    this.telemetry = new Telemetry(settings, log);
    this.calls.ledger.onFinal = settings.telemetry && ((record) => this.telemetry.record(record));
    this.traces = new TraceControl(settings, sip.tapPoint, clock, log, metrics);
    this.calls.ledger.onDispatch = (message, source, origin) => this.traces.tracer.dispatched(message, source, origin);
    const { calls } = this;
    this.prober = buildProbing(settings, {
      engine,
      sip,
      calls,
      editOfProbes: () => this.script?.local ?? routing.local,
      cluster,
      clock,
      random,
      log,
      metrics,
      probed: (destination, outcome) => this.console?.probed(destination, outcome),
    });
    this.events = buildEvents({
      engine,
      runtimes,
      settings: () => this.settings,
      answerMi: (text, request) => this.management.answerNats(text, request),
      clock,
      random,
      log,
      metrics,
      cluster,
    });
    // Of a copy only the route of the request runs.
    if (options.copyOf === undefined) this.events.bus.on(this.script?.event ?? routing.event);
    this.management = buildManagement(settings, {
      settings:
        options.readSettings === undefined
          ? undefined
          : { reload: (dryRun) => this.reloadSettings(dryRun), progress: () => this.reloading.current },
      engine,
      runtimes,
      sip,
      events: this.events,
      prober: this.prober,
      blacklists: this.blacklists,
      calls,
      cluster,
      traces: this.traces,
      explanations: new Explanations({
        engine,
        clock,
        settings: () => this.settings,
        byRules: (...asked) => this.explain(...asked),
        script: this.script,
        routeScript: () => routing.routeScript,
        copy: ({ memory, ...of }) => {
          const silent = Object.assign(Object.create(nullLogger), { level: 'silent' });
          const copyOf = { secret: this.secret, memory };
          return new Daemon({ ...of, log: silent, anySocket: true, drainMs: 0, copyOf });
        },
      }),
      script: this.script?.commands,
      statistics,
      noSocket,
      listens,
      startTime,
      argv: options.argv ?? process.argv,
      health: () => this.health(),
      workers: () => this.hooks?.parts,
      clock,
      log,
      metrics,
    });
    const { http } = this.management;
    this.console =
      http &&
      buildConsole({
        settings: () => this.settings,
        engine,
        runtimes,
        sip,
        events: this.events,
        prober: this.prober,
        startTime,
        ledger: calls.ledger,
        http,
        identify: this.management.identify,
        clustered: cluster.configured,
        metrics: this.metrics,
        clock,
        log,
      });
  }

  get layer(): TransactionLayer {
    return this.sip.layer;
  }

  get sockets(): LocalSockets {
    return this.sip.sockets;
  }

  get proxy(): ProxyCore {
    return this.routing.proxy;
  }

  get mi(): MiHandler {
    return this.management.mi;
  }

  get http(): HttpServer | undefined {
    return this.management.http;
  }

  get miDatagrams(): readonly DatagramEndpoint[] {
    return this.management.datagrams;
  }

  /** Runs one of Kamailio's RPC commands. Never rejects. */
  callRpc(method: string, params: unknown): Promise<object> {
    return this.management.callRpc(method, params);
  }

  /** Calls `listen` with each event raised in this process. The returned function removes it. */
  onEvent(listen: (event: DispatcherEvent) => void): () => void {
    return this.events.bus.on(listen);
  }

  /** A request as rules and the engine see it, with the module parameters' formats of this configuration. */
  scope(message: SipMessage): RequestScope {
    return this.routing.scope(message);
  }

  /** Where a request goes by the rules, and why. Throws SwitchyardError USAGE. */
  explain(request: string, source: string | undefined, sees?: (partition: string) => boolean): Explanation {
    return this.routing.explain(request, source, sees);
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
        listen: this.sip.transports.map((socket) => `${socket.transport}:${socket.sentBy}`),
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
   * Loads all partitions, or those in `names`, and starts nothing else: for tools that answer what would be selected and
   * what would be discarded. What came of each load, by partition.
   */
  async loadOnly(names?: ReadonlySet<string>): Promise<ReadonlyMap<string, LoadOutcome>> {
    if (this.settings.dispatcher.algoRoute !== undefined) await this.loadScript();
    await this.script?.load();
    return this.partitions.loadAll(names);
  }

  /** What a load would read of a partition's table; nothing is loaded. Throws SwitchyardError STORE_*, PARTITION_UNKNOWN. */
  async readRows(name: string): Promise<StoreLoad> {
    const runtime = this.partitions.byName.get(name);
    if (runtime === undefined) throw new SwitchyardError('PARTITION_UNKNOWN', `no partition "${name}"`);
    return runtime.options.store.load();
  }

  /** Loads the route script, if the settings name one and it is not given, and routes by it. Throws SwitchyardError SCRIPT_INVALID. */
  async loadScript(loaded?: LoadedScript): Promise<void> {
    if (this.settings.routeScript !== undefined) this.routing.use(await this.routing.prepare(this.settings, loaded));
  }

  /**
   * Takes new settings while calls go on: partitions are added, dropped and changed, rules, blacklists and probing are
   * replaced; certificates and the route script are read again. Destinations that stay keep their state. Returns the
   * settings that only a restart can change. Throws SwitchyardError when something in them cannot be used; nothing has
   * then been changed.
   */
  reconfigure(settings: Settings, cfg?: LoadedCfg): Promise<readonly string[]> {
    // Two at once would each take what the other is about to start for what is there.
    return this.settingsJobs.run(undefined, () => this.takeSettings(settings, cfg));
  }

  /**
   * Reads the settings anew and takes them, or with `dryRun` only looks whether they can be used. Says what differs. Throws
   * ConfigError, SwitchyardError; nothing has then been changed.
   */
  reloadSettings(dryRun: boolean): Promise<SettingsReload> {
    const work = async () => {
      const { readSettings } = this.options;
      if (readSettings === undefined) throw new SwitchyardError('USAGE', 'the settings came from a program');
      let done = false;
      try {
        const { settings, warnings, cfg } = readSettings();
        const before = this.settings;
        const changes = settingsChanges(before, settings);
        if (dryRun) {
          await this.routing.prepare(settings);
          await this.partitions.check(settings.partitions);
        } else await this.takeSettings(settings, cfg);
        done = true;
        const texts = warnings.map((warning) => formatProblems([warning]));
        return { changes, needRestart: restartOnly(before, settings), warnings: texts };
      } finally {
        if (!dryRun) this.settingsReloads.ended(done);
      }
    };
    return this.settingsJobs.run(undefined, () => this.reloading.during(work));
  }

  private async takeSettings(settings: Settings, cfg: LoadedCfg | undefined): Promise<readonly string[]> {
    const { partitions, sip } = this;
    const routes = await this.routing.prepare(settings);
    await partitions.check(settings.partitions);
    const certificates = [
      ...sip.transports.map((socket) => socket.reloadCertificates?.()),
      this.management.renewCertificate(),
    ];
    const before = this.settings;
    const dispatcherChanged = !isDeepStrictEqual(before.dispatcher, settings.dispatcher);
    this.settings = settings;
    this.engine.defaultPartition = settings.defaultPartition ?? 'default';
    const { retired, dropped } = partitions.retire(settings.partitions, dispatcherChanged);
    for (const name of dropped) this.events.changes.forget(name);
    this.blacklists.define(blacklistDefinitions(settings));
    const added = partitions.add(settings.partitions);
    this.routing.use(routes);
    this.hooks?.parts?.changed();
    if (cfg !== undefined) await this.script?.use(cfg, settings);
    this.prober.configure(settings.dispatcher, settings.partitions);
    // What the old store still has to write is written before the new one is read.
    await this.reloading.each('stop', retired, (runtime) => runtime.stop());
    for (const name of dropped) {
      this.selections.forget(name);
      this.metrics.forget('partition', name);
    }
    await this.reloading.each('load', added, (runtime) => runtime.start());
    for (const partition of this.engine.partitions) this.rebuildBlacklists(partition);
    this.refreshWeights();
    this.cluster.parts?.reconfigured();
    this.events.syncStates();
    for (const renew of certificates) renew?.();
    this.calls.configure(settings);
    this.traces.configure(settings);
    this.management.access.configure(settings.access);
    sip.configure(settings);
    this.secret.configure(settings);
    this.log.level = settings.log.level;
    this.hooks?.parts?.changed();
    return restartOnly(before, settings);
  }

  /** How the node does, for /readyz and /health. */
  health(): HealthReport {
    const { engine, partitions, events, cluster, stopping } = this;
    return healthOf({
      engine,
      runtimes: [...partitions.byName.values()],
      stopping: stopping !== undefined,
      natsConnected: events.nats?.connected,
      cluster: cluster.parts?.state,
    });
  }

  private async startServices(): Promise<void> {
    this.loopDelay.start();
    this.load.start();
    const { clock } = this;
    const { nats, weightFeeds } = this.events;
    this.secret.save();
    await this.loadScript();
    this.serving = true;
    await firstLoads([...this.partitions.byName.values()], clock, this.options.firstLoadMs ?? 3000);
    if (nats !== undefined) {
      await this.launch(nats);
      this.events.syncStates();
      await nats.caughtUp(CATCH_UP_MS);
    }
    if (this.settings.cluster !== undefined) await this.joinCluster();
    await this.script?.load();
    if (this.hooks !== undefined) await this.joinWorkers(this.hooks);
    await this.sip.open();
    await this.hooks?.parts?.start();
    this.script?.start();
    for (const service of [
      ...(this.console === undefined ? [] : [this.console]),
      this.calls,
      this.traces,
      this.telemetry,
      ...this.management.services,
      this.callLoad,
      ...weightFeeds,
      this.prober,
    ]) {
      await this.launch(service);
    }
  }

  /** The key dialog tokens are made with now. */
  get tokenKey(): string {
    return this.secret.keys.current;
  }

  /** Only a node of a cluster loads what it takes to be one. */
  private async joinCluster(): Promise<void> {
    const { buildCluster } = await import('./build-cluster.js');
    const { engine, prober, events, clock, log, metrics, secret } = this;
    this.cluster.parts = buildCluster({
      key: {
        get own() {
          return secret.shared;
        },
        adopt: (key) => {
          secret.adopt(key);
          this.hooks?.parts?.changed();
        },
      },
      settings: () => this.settings,
      engine,
      runtimes: this.partitions.byName,
      prober,
      events,
      mi: () => this.mi,
      clock,
      random: this.options.random ?? systemRandom,
      log,
      metrics,
    });
    await this.launch(this.cluster.parts);
  }

  /** Only several workers load what they take. */
  private async joinWorkers(hooks: WorkerHooks): Promise<void> {
    const fault = workersFault(this.settings, this.script !== undefined);
    if (fault !== undefined) throw new SwitchyardError('CONFIG_INVALID', `"workers": ${hooks.workers}: ${fault}`);
    const { buildWorkers } = await import('./build-workers.js');
    const { sip, proxy, engine, callLoad, clock, metrics, secret, log } = this;
    hooks.parts = await buildWorkers({
      hooks,
      settings: () => this.settings,
      sip,
      proxy,
      engine,
      ledger: this.calls.ledger,
      tally: this.selections,
      keys: secret.keys,
      callEnded: callLoad.callEnded,
      log,
      clock,
      metrics,
    });
  }

  private async launch(service: Service): Promise<void> {
    this.started.push(service);
    await service.start();
  }

  private async stopServices(): Promise<void> {
    const { log, sip, events } = this;
    this.loopDelay.stop();
    this.load.stop();
    this.script?.stop();
    await drain(this.proxy, this.clock, log, this.options.drainMs ?? 5000, this.hooks?.parts);
    const { nats } = events;
    for (const service of [...this.started].reverse()) {
      // The last changes of state still go out.
      if (service !== nats) await release(service.name, () => service.stop(), log);
    }
    if (this.script !== undefined)
      await release('databases of the script', () => this.script?.close() ?? Promise.resolve(), log);
    const { parts } = this.hooks ?? {};
    if (parts !== undefined) await release('workers', () => parts.stop(), log);
    for (const socket of sip.transports) await release(socket.description, () => socket.close(), log);
    sip.layer.stop();
    await Promise.all(
      [...this.partitions.byName.values()].map((each) => release(`partition ${each.name}`, () => each.stop(), log)),
    );
    if (nats !== undefined && this.started.includes(nats)) await release(nats.name, () => nats.stop(), log);
    await release('event subscribers', () => events.publisher.stop(), log);
    if (this.ready) log.info({}, 'switchyard has stopped');
  }

  /** A record a script made of a call; false where records are not published. */
  private publishRecord(partition: string, kind: string, text: string): boolean {
    const records = this.events.nats?.records;
    records?.publish(partition, `${this.settings.node}:${kind}:${++this.recordNumber}:${this.clock.now()}`, text, kind);
    return records !== undefined;
  }

  private rebuildBlacklists(partition: Partition): void {
    void this.blacklists.rebuildInSlices(partition, nextIteration);
  }

  private loaded(partition: Partition): void {
    this.rebuildBlacklists(partition);
    this.hooks?.parts?.changed();
    this.cluster.parts?.loaded(partition);
    // A load without a start is a tool's: it runs no script.
    if (this.serving) (this.script ?? this.routing).loaded(partition);
    if (this.followsLoads) return;
    // What looks at all partitions does so once for all that are loaded in one event loop iteration.
    this.followsLoads = true;
    setImmediate(() => {
      this.followsLoads = false;
      this.prober.refresh();
      this.refreshWeights();
      this.events.syncStates();
    });
  }

  private refreshWeights(): void {
    for (const feed of this.events.weightFeeds) feed.refresh();
  }
}
