import type { LoadedCfg } from '../cfg-file/load.js';
import type { Settings } from '../config/settings.js';
import { SwitchyardError } from '../core/errors.js';
import type { Service } from '../core/service.js';
import type { Engine } from '../engine/engine.js';
import type { DispatcherEvent } from '../events/event.js';
import type { HealthReport } from '../http/handlers.js';
import type { HttpServer } from '../http/server.js';
import type { DatagramEndpoint } from '../management/endpoints/datagram.js';
import type { SettingsReload } from '../management/mi/dependencies.js';
import type { MiHandler } from '../management/mi/handler.js';
import type { ProxyCore } from '../proxy/proxy.js';
import type { RequestScope } from '../route/request-scope.js';
import type { Explanation } from '../route/rules/explain.js';
import type { LoadedScript } from '../route/script/route-table.js';
import type { LocalSockets } from '../sip/local-sockets.js';
import type { SipMessage } from '../sip/message.js';
import type { TransactionLayer } from '../sip/transaction/layer.js';
import type { Metrics } from '../stats/metrics.js';
import type { StoreLoad } from '../store/store.js';
import type { LoadOutcome } from '../tenant/tenants.js';
import type { WarmUpPlan } from '../workers/protocol.js';
import { assemble, type DaemonParts } from './assembly.js';
import type { CallRecording } from './build-calls.js';
import type { ManagementParts } from './build-management.js';
import type { TraceControl } from './build-traces.js';
import type { DaemonOptions } from './daemon-options.js';
import { healthOf } from './health.js';
import { Lifecycle } from './lifecycle.js';
import { loadAhead } from './load-ahead.js';
import { Reconfiguration } from './reconfiguration.js';

export type { Explanation } from '../route/rules/explain.js';
export type { ScriptExplanation } from './script-rehearsal.js';

/** The whole product in one object: its parts are put together in assembly.ts, started and stopped in lifecycle.ts. */
export class Daemon implements Service {
  readonly name = 'switchyard';
  private readonly parts: DaemonParts;
  private readonly lifecycle: Lifecycle;
  private readonly reconfiguration: Reconfiguration;

  /** Throws SwitchyardError for settings that cannot be used. Nothing is opened yet. */
  constructor(private readonly options: DaemonOptions) {
    const settingsControl = options.readSettings && {
      reload: (dryRun: boolean) => this.reloadSettings(dryRun),
      progress: () => this.reconfiguration.progress.current,
    };
    this.parts = assemble(options, {
      health: () => this.health(),
      settingsControl,
      create: (others) => new Daemon(others),
    });
    this.lifecycle = new Lifecycle(this.parts, options);
    this.reconfiguration = new Reconfiguration(this.parts, options.readSettings);
  }

  /** Partitions, sets and states. */
  get engine(): Engine {
    return this.parts.tables.engine;
  }

  /** What GET /metrics shows. */
  get metrics(): Metrics {
    return this.parts.metrics;
  }

  /** All transactions of this process. */
  get layer(): TransactionLayer {
    return this.parts.sip.layer;
  }

  /** The SIP sockets. */
  get sockets(): LocalSockets {
    return this.parts.sip.sockets;
  }

  /** What carries out decisions about requests. */
  get proxy(): ProxyCore {
    return this.parts.routing.proxy;
  }

  /** Call records and the figures made of them. */
  get calls(): CallRecording {
    return this.parts.observers.calls;
  }

  /** Traces of chosen calls. */
  get traces(): TraceControl {
    return this.parts.observers.traces;
  }

  /** MI, RPC, access and their endpoints. */
  get management(): ManagementParts {
    return this.parts.management;
  }

  /** Runs MI commands. */
  get mi(): MiHandler {
    return this.management.mi;
  }

  /** INVITEs handled since the start, refused ones too; retransmissions are not counted. */
  get invitesHandled(): number {
    return this.parts.sip.counters.proxy.invites.value;
  }

  /** The HTTP listener; undefined where none is configured. */
  get http(): HttpServer | undefined {
    return this.management.http;
  }

  /** Datagram sockets of MI. */
  get miDatagrams(): readonly DatagramEndpoint[] {
    return this.management.datagrams;
  }

  /** The key dialog tokens are made with now. */
  get tokenKey(): string {
    return this.parts.secret.keys.current;
  }

  /** Runs one of Kamailio's RPC commands. Never rejects. */
  callRpc(method: string, params: unknown): Promise<object> {
    return this.management.callRpc(method, params);
  }

  /** Calls `listen` with each event raised in this process. The returned function removes it. */
  onEvent(listen: (event: DispatcherEvent) => void): () => void {
    return this.parts.events.bus.on(listen);
  }

  /** A request as rules and the engine see it, with the module parameters' formats of this configuration. */
  scope(message: SipMessage): RequestScope {
    return this.parts.routing.scope(message);
  }

  /** Where a request goes by the rules, and why. Throws SwitchyardError USAGE. */
  explain(request: string, source: string | undefined, sees?: (partition: string) => boolean): Explanation {
    return this.parts.routing.explain(request, source, sees);
  }

  /** Starts everything; when something cannot start, what was started is stopped again and the reason thrown. */
  start(): Promise<void> {
    return this.lifecycle.start();
  }

  /**
   * Stops taking calls, lets those under way finish for a while, writes states back, delivers events, and releases
   * everything. Safe to call more than once.
   */
  stop(): Promise<void> {
    return this.lifecycle.stop();
  }

  /** Has the workers make calls, each through itself, so that the first calls find them warm. */
  warmUpWorkers(plan: WarmUpPlan): void {
    this.parts.hooks?.parts?.warmUp(plan);
  }

  /** Loads what may be needed later, so that its files may be replaced. Never rejects. */
  async loadAhead(): Promise<void> {
    await loadAhead(this.parts, this.options.log);
  }

  /**
   * Loads all partitions, or those in `names`, and starts nothing else: for tools that answer what would be selected and
   * what would be discarded. What came of each load, by partition.
   */
  async loadOnly(names?: ReadonlySet<string>): Promise<ReadonlyMap<string, LoadOutcome>> {
    const { settings, script, tables } = this.parts;
    if (settings().dispatcher.algoRoute !== undefined) await this.loadScript();
    await script?.load();
    return tables.partitions.loadAll(names);
  }

  /** Runs the startup routes of its cfg file, without timers, for who only rehearses; resolves when they have ended. */
  async begin(): Promise<void> {
    await this.parts.script?.begin();
  }

  /** What a load would read of a partition's table; nothing is loaded. Throws SwitchyardError STORE_*, PARTITION_UNKNOWN. */
  async readRows(name: string): Promise<StoreLoad> {
    const runtime = this.parts.tables.partitions.byName.get(name);
    if (runtime === undefined) throw new SwitchyardError('PARTITION_UNKNOWN', `no partition "${name}"`);
    return runtime.options.store.load();
  }

  /** Loads the route script, if the settings name one and it is not given, and routes by it. Throws SwitchyardError SCRIPT_INVALID. */
  loadScript(loaded?: LoadedScript): Promise<void> {
    return this.parts.routing.loadScript(this.parts.settings(), loaded);
  }

  /**
   * Takes new settings while calls go on: partitions are added, dropped and changed, rules, blacklists and probing are
   * replaced; certificates and the route script are read again. Destinations that stay keep their state. Returns the
   * settings that only a restart can change. Throws SwitchyardError when something in them cannot be used; nothing has
   * then been changed.
   */
  reconfigure(settings: Settings, cfg?: LoadedCfg): Promise<readonly string[]> {
    return this.reconfiguration.use(settings, cfg);
  }

  /**
   * Reads the settings anew and takes them, or with `dryRun` only looks whether they can be used. Says what differs. Throws
   * ConfigError, SwitchyardError; nothing has then been changed.
   */
  reloadSettings(dryRun: boolean): Promise<SettingsReload> {
    return this.reconfiguration.reload(dryRun);
  }

  /** How the node does, for /readyz and /health. */
  health(): HealthReport {
    const { tables, events, cluster } = this.parts;
    return healthOf({
      engine: tables.engine,
      runtimes: [...tables.partitions.byName.values()],
      stopping: this.lifecycle.stopping,
      natsConnected: events.nats?.connected,
      cluster: cluster.parts?.state,
    });
  }
}
