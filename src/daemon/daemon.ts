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

/** The whole product as one object. assembly.ts builds its parts, lifecycle.ts starts and stops them. */
export class Daemon implements Service {
  readonly name = 'switchyard';
  private readonly parts: DaemonParts;
  private readonly lifecycle: Lifecycle;
  private readonly reconfiguration: Reconfiguration;

  /** Throws SwitchyardError for unusable settings. Opens nothing. */
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

  /** The metrics of GET /metrics. */
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

  /** Forwards requests as decided. */
  get proxy(): ProxyCore {
    return this.parts.routing.proxy;
  }

  /** Call records and figures. */
  get calls(): CallRecording {
    return this.parts.observers.calls;
  }

  /** Traces of chosen calls. */
  get traces(): TraceControl {
    return this.parts.observers.traces;
  }

  /** MI, RPC, access control and their endpoints. */
  get management(): ManagementParts {
    return this.parts.management;
  }

  /** Runs MI commands. */
  get mi(): MiHandler {
    return this.management.mi;
  }

  /** Number of INVITEs handled since the start, including refused ones, without retransmissions. */
  get invitesHandled(): number {
    return this.parts.sip.counters.proxy.invites.value;
  }

  /** The HTTP listener; undefined when none is configured. */
  get http(): HttpServer | undefined {
    return this.management.http;
  }

  /** Datagram sockets of MI. */
  get miDatagrams(): readonly DatagramEndpoint[] {
    return this.management.datagrams;
  }

  /** The current key for dialog tokens. */
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

  /** A request as rules and the engine see it, with the formats in the module parameters. */
  scope(message: SipMessage): RequestScope {
    return this.parts.routing.scope(message);
  }

  /** Where a request goes by the rules, and why. Throws SwitchyardError USAGE. */
  explain(request: string, source: string | undefined, sees?: (partition: string) => boolean): Explanation {
    return this.parts.routing.explain(request, source, sees);
  }

  /** Starts everything. When something cannot start, stops what was started and throws the reason. */
  start(): Promise<void> {
    return this.lifecycle.start();
  }

  /**
   * Accepts no more calls, lets running ones finish for a while, writes states back, delivers events, and releases
   * everything. May be called repeatedly.
   */
  stop(): Promise<void> {
    return this.lifecycle.stop();
  }

  /** Makes each worker run test calls through itself, so that its code is compiled before the first real calls. */
  warmUpWorkers(plan: WarmUpPlan): void {
    this.parts.hooks?.parts?.warmUp(plan);
  }

  /** Loads files that may be needed later, so that they may be replaced. Never rejects. */
  async loadAhead(): Promise<void> {
    await loadAhead(this.parts, this.options.log);
  }

  /**
   * Loads all partitions, or those in `names`, and starts nothing else: for tools that show selections or discarded
   * rows. Returns the results by partition.
   */
  async loadOnly(names?: ReadonlySet<string>): Promise<ReadonlyMap<string, LoadOutcome>> {
    const { settings, script, tables } = this.parts;
    if (settings().dispatcher.algoRoute !== undefined) await this.loadScript();
    await script?.load();
    return tables.partitions.loadAll(names);
  }

  /** Runs the startup routes of the cfg file, without timers, for a rehearsal; resolves when they have ended. */
  async begin(): Promise<void> {
    await this.parts.script?.begin();
  }

  /** Reads a partition's table without loading it. Throws SwitchyardError STORE_*, PARTITION_UNKNOWN. */
  async readRows(name: string): Promise<StoreLoad> {
    const runtime = this.parts.tables.partitions.byName.get(name);
    if (runtime === undefined) throw new SwitchyardError('PARTITION_UNKNOWN', `no partition "${name}"`);
    return runtime.options.store.load();
  }

  /**
   * Loads the route script in the settings, or uses the given one, and routes by it. Throws SwitchyardError
   * SCRIPT_INVALID.
   */
  loadScript(loaded?: LoadedScript): Promise<void> {
    return this.parts.routing.loadScript(this.parts.settings(), loaded);
  }

  /**
   * Applies new settings at run time: adds, removes and changes partitions, replaces rules, blacklists and probing, and
   * reads certificates and the route script again. Destinations that remain keep their state. Returns the settings
   * whose change needs a restart. Throws SwitchyardError for unusable settings; then nothing has changed.
   */
  reconfigure(settings: Settings, cfg?: LoadedCfg): Promise<readonly string[]> {
    return this.reconfiguration.use(settings, cfg);
  }

  /**
   * Reads the settings again and applies them, or with `dryRun` only checks them. Returns the differences. Throws
   * ConfigError or SwitchyardError; then nothing has changed.
   */
  reloadSettings(dryRun: boolean): Promise<SettingsReload> {
    return this.reconfiguration.reload(dryRun);
  }

  /** The state of the node, for /readyz and /health. */
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
