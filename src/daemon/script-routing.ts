import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { BlacklistTable } from '../blacklist/blacklist.js';
import type { LoadedCfg } from '../cfg-file/load.js';
import type { Settings } from '../config/settings.js';
import { boundedLog } from '../core/bounded-log.js';
import type { Clock } from '../core/clock.js';
import { SwitchyardError } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import type { Random } from '../core/random.js';
import type { SharedValues } from '../core/shared-values.js';
import type { Engine } from '../engine/engine.js';
import { findInList } from '../engine/in-list.js';
import type { Partition } from '../engine/partition.js';
import type { DispatcherEvent } from '../events/event.js';
import type { ScriptCommandTable } from '../management/mi/dependencies.js';
import type { DialogTokens } from '../proxy/dialog-token.js';
import type { PvarValue, SharedVariables } from '../pvar/context.js';
import { compileWritable } from '../pvar/format.js';
import { VarStore } from '../pvar/var-store.js';
import type { SelectionTally } from '../route/dispatcher/site.js';
import type { DispatcherFormats } from '../route/request-scope.js';
import { ScriptLog } from '../route/script/script-log.js';
import type { CallObserver } from '../script/calls.js';
import { CommandFault, type CommandParameters, type ScriptCommand } from '../script/commands.js';
import { ScriptCore } from '../script/core.js';
import {
  type ClaimedCalls,
  type DialogProof,
  type ModuleState,
  ModuleStates,
  type ScriptEnvironment,
  type ScriptOutput,
  type ScriptTrace,
} from '../script/environment.js';
import { kamailioForm } from '../script/own-requests.js';
import { scoreByRoute } from '../script/score-route.js';
import { runEvent, runLocal, runService, runWithin, startTimers } from '../script/service-routes.js';
import { NO_SERVICES, type ScriptServices } from '../script/services.js';
import { sharedVariables } from '../script/shared-variables.js';
import { suspend } from '../script/suspension.js';
import { NO_TABLES, type ScriptTables } from '../script/tables.js';
import { WsSocket } from '../sip/transport/ws.js';
import { JobQueue } from '../tenant/job-queue.js';
import type { CommandAnswer } from '../workers/protocol.js';
import type { SipParts } from './build-sip.js';
import { DialogGates } from './dialog-gates.js';
import { type Answer, nameOf, type OtherProcesses, runJoined } from './joined-command.js';
import { servicesOfCopy } from './read-only-services.js';
import { type ScriptAttrsSettings, scriptAttrsAvps } from './script-attributes.js';
import { scriptLines } from './script-output.js';
import { linePrefix, recordRouting, seedVariables, selectFlags } from './script-parameters.js';
import { OutsideServices } from './script-services.js';
import { readScriptTables } from './script-tables.js';
import { every, sqlCacheSeconds } from './sql-cache-rows.js';
import { probeValues, type UpDownMode, upAfterLoad, upDownOf } from './up-down.js';
import { VERSION } from './version.js';

/** The SIP parts that a script needs; the tap point only where messages can be rewritten (topology hiding). */
export type ScriptSip = Pick<SipParts, 'layer' | 'peers' | 'sockets' | 'resolver'> &
  Partial<Pick<SipParts, 'tapPoint' | 'transports'>> & {
    readonly counters: Pick<SipParts['counters'], 'foreign' | 'tables'>;
  };

/** The settings that a script uses. */
export type ScriptSettings = Pick<Settings, 'dispatcher' | 'foreignDialogs' | 'limits' | 'tm'> & ScriptAttrsSettings;

/** What the script of a configuration file needs. */
export interface ScriptRoutingOptions {
  readonly engine: Engine;
  readonly sip: ScriptSip;
  readonly blacklists: BlacklistTable;
  readonly tally: SelectionTally;
  readonly formats: () => DispatcherFormats;
  /** Begins to reload a partition; false when that is not allowed now. */
  readonly reload: (partition: string) => boolean;
  /** Tokens in Record-Route; undefined: none. */
  readonly tokens?: DialogTokens | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Call records and figures. */
  readonly calls?: CallObserver | undefined;
  /** Publishes a record of a call; false where none are published. */
  readonly publish?: ((partition: string, kind: string, text: string) => boolean) | undefined;
  /** Keeps the contents of call records in the main process; undefined in that process. */
  readonly keep?: ScriptServices['keep'];
  /** The state of a sharing tag at this node. */
  readonly sharingTag?: ((name: string) => 'active' | 'backup' | undefined) | undefined;
  /** Gets the events that the script and its modules raise. */
  readonly events?: Pick<ScriptServices, 'subscribed' | 'raise'> | undefined;
  /** Sends events to a socket for some seconds; returns an error text. */
  readonly subscribe?: ((event: string, socket: string, seconds: number | undefined) => string | undefined) | undefined;
  /** Sends copies of messages to a capture server. */
  readonly captures?: (() => ScriptServices['captures']) | undefined;
  /** Runs an RPC command written as JSON; undefined if the text is not JSON. */
  readonly rpc?: ScriptServices['rpc'] | undefined;
  /** Runs a management command. */
  readonly mi?: ScriptServices['mi'] | undefined;
  /** Called when the tables were read again, for other processes. */
  readonly tablesRead?: ((partition: string | undefined) => void) | undefined;
  /** Receives script lines; default: the log. */
  readonly output?: ScriptOutput | undefined;
  readonly trace?: ScriptTrace | undefined;
  /** Memory shared with other processes that run the same script; in a worker it is not filled. */
  readonly values?: SharedValues | undefined;
  /** Which calls this process keeps, if others run the script too. */
  readonly claims?: ClaimedCalls | undefined;
  /** Whether databases are only read, and nothing else outside the process is used. */
  readonly isolated?: boolean | undefined;
  /** A copy of another script's memory, for a rehearsal. */
  readonly memory?: ScriptMemory | undefined;
}

/** A copy of a script's memory: values, tables, states of modules. */
export interface ScriptMemory {
  readonly tables: ScriptTables;
  readonly vars: VarStore;
  readonly timerVars: VarStore;
  readonly shared: SharedVariables;
  /** Data that modules keep, by their keys. */
  readonly states: ReadonlyMap<object, unknown>;
  /** The data that other processes share; it is copied at its first use. Undefined: there are no others. */
  readonly others: ModuleStates | undefined;
  /** The blacklists of the running daemon, which are only read. */
  readonly blacklists: BlacklistTable;
  readonly sharingTag: (name: string) => 'active' | 'backup' | undefined;
}

/** Routes by the script of a configuration file, which sees every message. */
export class ScriptRouting {
  readonly core: ScriptCore;
  /** $var and $shv, which live as long as the process. */
  private tables: ScriptTables = NO_TABLES;
  private stopTimers: (() => void) | undefined;
  private readonly vars: VarStore;
  private readonly timerVars: VarStore;
  private shared: SharedVariables;
  private values: SharedValues | undefined;
  private claims: ClaimedCalls | undefined;
  private others: OtherProcesses | undefined = undefined;
  /** Data that modules keep: tables, counters and dialogs survive a reload of the file. */
  private readonly kept = new Map<object, unknown>();
  private readonly marking: NonNullable<ScriptEnvironment['marking']> = { run: undefined };
  private readonly reads = new JobQueue();
  private readonly faults: ScriptLog;
  private readonly peerLog: Logger;

  private readonly services: OutsideServices;
  private readonly dialogGates: DialogGates | undefined;

  constructor(
    private readonly options: ScriptRoutingOptions,
    private cfg: LoadedCfg,
    private settings: ScriptSettings,
  ) {
    const { memory } = options;
    this.vars = memory?.vars ?? new VarStore();
    this.timerVars = memory?.timerVars ?? new VarStore();
    this.values = options.values;
    this.claims = options.claims;
    this.shared = memory?.shared ?? sharedVariables(options.values);
    if (memory !== undefined) this.tables = memory.tables;
    this.faults = new ScriptLog(options.log, options.clock);
    this.peerLog = boundedLog(options.log, () => options.clock.monotonic());
    this.services = new OutsideServices({
      folder: () => this.cfg.folder,
      publish: options.publish ?? (() => false),
      keep: options.keep,
      sharingTag: memory?.sharingTag ?? options.sharingTag ?? (() => undefined),
      captures: options.captures ?? (() => undefined),
      rpc: options.rpc ?? NO_SERVICES.rpc,
      mi: options.mi ?? NO_SERVICES.mi,
      subscribe: options.subscribe ?? NO_SERVICES.subscribe,
      subscribed: options.events?.subscribed ?? NO_SERVICES.subscribed,
      raise: options.events?.raise ?? NO_SERVICES.raise,
      log: options.log,
    });
    const { tokens, engine, sip, clock } = options;
    this.dialogGates = tokens && new DialogGates(engine, sip, tokens, clock);
    this.core = new ScriptCore(this.environment(cfg, settings));
    options.sip.layer.attach(this.core, this.core);
    options.sip.tapPoint?.hide(cfg.mask(() => this.core.env));
    this.serveHttp(cfg);
  }

  /** Lets the script answer HTTP requests at ports for WebSockets. */
  private serveHttp(cfg: LoadedCfg): void {
    const gate = cfg.http(() => this.core.env);
    for (const socket of this.options.sip.transports ?? []) {
      if (socket instanceof WsSocket && socket.sharesPort) socket.gate = gate;
    }
  }

  /** From now on, data of all calls is in this shared memory. Call it before requests come. */
  share(values: SharedValues, claims: ClaimedCalls, others: OtherProcesses): void {
    this.others = others;
    this.values = values;
    this.claims = claims;
    this.shared = sharedVariables(values);
    this.core.use(this.environment(this.cfg, this.settings));
  }

  /** Reads the tables of the modules. Call it before requests come. */
  async load(): Promise<void> {
    this.checkListFile();
    this.tables = (await readScriptTables(this.cfg, this.options.log)).tables;
    if (this.tables !== NO_TABLES) this.core.use(this.environment(this.cfg, this.settings));
  }

  /**
   * The current script, compiled for a trace, with a copy of its memory, for a rehearsal. Throws SwitchyardError USAGE
   * when there is too much to copy at once.
   */
  copied(): { readonly cfg: LoadedCfg; readonly memory: ScriptMemory } {
    const states = new Map<object, unknown>();
    for (const [key, state] of this.kept) {
      const module = key as ModuleState<unknown>;
      if (module.copy !== undefined) states.set(key, module.copy(state));
    }
    const memory = {
      tables: this.tables,
      vars: new VarStore(this.vars.entries()),
      timerVars: new VarStore(this.timerVars.entries()),
      shared: new Map(this.shared),
      states,
      others: this.values === undefined ? undefined : this.core.env.modules,
      blacklists: this.options.blacklists,
      sharingTag: this.options.sharingTag ?? (() => undefined),
    };
    return { cfg: this.cfg.traced(), memory };
  }

  /**
   * Reads the tables again, with `partition` only those of that partition of drouting, with `module` only those of that
   * module; false when one cannot be read.
   * Reads do not overlap, so that the rows read last are the ones in use.
   */
  reloadTables(partition?: string, module?: 'sql_cacher'): Promise<boolean> {
    if (module !== undefined) return this.reads.run(`tables of module ${module}`, () => this.readCaches());
    const key = partition === undefined ? 'tables' : `tables of ${partition}`;
    return this.reads.run(key, () => this.readTables(partition));
  }

  private async readCaches(): Promise<boolean> {
    const { tables, complete } = await readScriptTables(this.cfg, this.options.log, this.tables, 'caches');
    this.tables = tables;
    this.core.use(this.environment(this.cfg, this.settings));
    return complete;
  }

  private async readTables(partition: string | undefined): Promise<boolean> {
    const { tables, complete } = await readScriptTables(
      this.cfg,
      this.options.log,
      this.tables,
      partition === undefined ? 'all' : { partition },
    );
    this.tables = tables;
    this.core.use(this.environment(this.cfg, this.settings));
    // A worker must not fill shared memory: the main process has done so, and scripts may have changed it since.
    if (this.options.values === undefined) this.cfg.fill(this.core.env);
    this.options.tablesRead?.(partition);
    return complete;
  }

  /** Kamailio does not start without its list file. Throws when it is missing. */
  private checkListFile(): void {
    const { dialect, modules, folder, file } = this.cfg;
    const path = modules.get('dispatcher')?.get('list_file')?.at(-1);
    if (dialect.name !== 'kamailio' || path === undefined || existsSync(resolve(folder, String(path)))) return;
    throw new SwitchyardError('CONFIG_INVALID', `${file}: dispatcher: there is no list_file ${path}`);
  }

  /** Runs the startup routes and starts the timers. Call it when the sockets are known. */
  start(): void {
    void this.begin();
    this.startTimers();
  }

  /** Runs the startup routes; resolves when they have ended. Starts no timers. */
  async begin(): Promise<void> {
    const { env } = this.core;
    this.cfg.fill(env);
    await Promise.all([
      runService(env, 'startup', undefined, undefined),
      runService(env, 'event', 'htable:mod-init', undefined),
      runEvent(env, 'core:worker-one-init'),
    ]);
  }

  private startTimers(): void {
    this.stopTimers?.();
    const stops = [
      startTimers(() => this.core.env),
      this.cfg.startTimers(() => this.core.env),
      every(this.options.clock, sqlCacheSeconds(this.cfg), () => this.reloadTables(undefined, 'sql_cacher')),
    ];
    this.stopTimers = () => {
      for (const stop of stops) stop();
    };
  }

  /** Passes one of our own requests through the file's local route; returns the text to send. */
  readonly local = (text: string): string => {
    const { env } = this.core;
    return runLocal(env, env.dialect === 'kamailio' ? kamailioForm(env, text) : text).text;
  };

  /** Refuses new requests from now on; those in progress continue. */
  stop(): void {
    this.core.drain();
    this.stopTimers?.();
  }

  /** The statistics of the script and its modules. */
  statistics(): readonly ReturnType<LoadedCfg['statistics']>[number][] {
    return this.cfg.statistics(this.core.env.modules);
  }

  /** The current file. */
  get file(): LoadedCfg {
    return this.cfg;
  }

  /** The management commands of its modules. */
  get commands(): ScriptCommandTable {
    const { commands } = this.cfg;
    return {
      commands,
      run: async (spec, params) => {
        const command = commands.find((each) => each === spec);
        if (command === undefined) return { value: 'OK' };
        return runJoined(command, params, (own) => this.runHere(command, own), this.others);
      },
    };
  }

  /** Runs a command in this process, by its name among processes. Never rejects. */
  async run(name: string, params: CommandParameters): Promise<CommandAnswer> {
    const command = this.cfg.commands.find((each) => nameOf(each) === name);
    return command === undefined ? { fault: { code: 404, message: 'no such command' } } : this.runHere(command, params);
  }

  /** Publishes a record of a call; false where none are published. */
  publish(partition: string, kind: string, text: string): boolean {
    return this.services.publish(partition, kind, text);
  }

  /** Writes the record of a call whose process has died; `ended`: milliseconds since the epoch. */
  writeKept(text: string, ended: number): void {
    this.cfg.writeKept(this.core.env, text, ended);
  }

  private async runHere(command: ScriptCommand, params: CommandParameters): Promise<Answer> {
    const { env } = this.core;
    if (!env.modules.loaded.has(command.module))
      return { fault: { code: 404, message: `module ${command.module} is not loaded` } };
    try {
      return { value: (await command.run(env, params)) ?? 'OK' };
    } catch (error) {
      if (error instanceof CommandFault) return { fault: { code: error.code, message: error.message } };
      this.options.log.error({ err: error, command: command.mi ?? command.rpc }, 'a command of a module failed');
      return { fault: { code: 500, message: 'Internal error' } };
    }
  }

  /** Closes what its modules have opened. Call it when the last call has ended. */
  async close(): Promise<void> {
    await this.services.stop();
  }

  /** Runs the route of an event: by name, and Kamailio's for a destination that went up or down. */
  readonly event = (event: DispatcherEvent): void => {
    const { env } = this.core;
    const { name, params } = event;
    if (env.dialect === 'opensips') {
      const values = new Map<string, PvarValue>(
        Object.entries(params).map(([key, value]) => [key, value as PvarValue]),
      );
      runService(env, 'event', name, values);
      return;
    }
    const change = upDownOf(event, this.options.engine, this.upDownMode);
    if (change === undefined) return;
    if (runWithin(this.marking.run, change.name)) return;
    runService(env, 'event', change.name, probeValues(change.params), String(params['address']));
  };

  /** A partition was loaded: raises an event for each active destination, if event_callback_mode says so. */
  loaded(partition: Partition): void {
    const { env } = this.core;
    if (env.dialect !== 'kamailio' || this.upDownMode !== 2) return;
    for (const { name, params } of upAfterLoad(partition)) {
      runService(env, 'event', name, undefined, String(params['address']));
    }
  }

  private get upDownMode(): UpDownMode {
    return this.settings.dispatcher.kamailio.eventCallback.mode;
  }

  /** Uses another script for new requests from now on. False when one of its tables cannot be read. */
  use(cfg: LoadedCfg, settings: ScriptSettings): Promise<boolean> {
    return this.reads.run(undefined, () => this.take(cfg, settings));
  }

  private async take(cfg: LoadedCfg, settings: ScriptSettings): Promise<boolean> {
    const { tables, complete } = await readScriptTables(cfg, this.options.log, this.tables);
    this.tables = tables;
    this.cfg = cfg;
    this.settings = settings;
    this.core.use(this.environment(cfg, settings));
    this.options.sip.tapPoint?.hide(cfg.mask(() => this.core.env));
    this.serveHttp(cfg);
    // Restarts the timers for the new file, if it was started.
    if (this.stopTimers !== undefined) {
      cfg.fill(this.core.env);
      this.startTimers();
    }
    return complete;
  }

  private dialogProof(settings: ScriptSettings): DialogProof | undefined {
    const { tokens } = this.options;
    const { foreignDialogs = 'accept' } = settings;
    const gate = foreignDialogs === 'accept' ? undefined : this.dialogGates?.under(settings);
    if (tokens === undefined || gate === undefined) return undefined;
    return {
      parameter(callId, partition, { address, port }, source) {
        const selected = partition !== undefined && findInList(partition, { ip: address, port }) !== undefined;
        const scope = selected ? { partition: partition.name } : { address };
        return tokens.parameterOfCall(callId, tokens.tags(scope, source));
      },
      passage: (request, carriers, to) => gate.mayPassOfCall(request, carriers, to),
    };
  }

  private score(name: string): NonNullable<DispatcherFormats['score']> {
    return (scope, destination) => scoreByRoute(this.core.env, name, scope, destination);
  }

  private environment(cfg: LoadedCfg, settings: ScriptSettings): ScriptEnvironment {
    const { engine, sip, formats, clock, random, log, memory } = this.options;
    const blacklists = memory?.blacklists ?? this.options.blacklists;
    const { globals, dialect } = cfg;
    const { dispatcher } = settings;
    const { algoRoute } = dispatcher;
    const attrsPvar = dispatcher.kamailio.attrsPvar;
    const scriptAttrs = scriptAttrsAvps(settings);
    const kamailio = dialect.name === 'kamailio';
    const xlog = kamailio ? globals.logLevel + 1 : (globals.xlogLevel ?? 3);
    seedVariables(cfg, this.timerVars, new Map());
    seedVariables(cfg, this.vars, this.shared);
    const product = `switchyard/${VERSION}`;
    const server = globals.serverHeader ?? `Server: ${product}`;
    return {
      dialect: dialect.name,
      script: cfg.script,
      folder: cfg.folder,
      sources: cfg.sources,
      engine,
      marking: this.marking,
      layer: sip.layer,
      sockets: sip.sockets,
      resolver: sip.resolver,
      peers: sip.peers,
      maxDialogs: settings.limits.maxDialogs,
      maxContacts: settings.limits.maxContacts,
      formats: algoRoute === undefined ? formats() : { ...formats(), score: this.score(algoRoute) },
      clock,
      random,
      log,
      peerLog: this.peerLog,
      faults: this.faults,
      suspend,
      output: this.options.output ?? scriptLines(log),
      logPrefix: globals.logPrefix,
      aliases: globals.aliases,
      registeredMyself: Number(cfg.modules.get('domain')?.get('register_myself')?.at(-1) ?? 0) !== 0,
      tm: cfg.tm,
      sipsNeedsTls: settings.tm.sipsNeedsTls,
      rr: recordRouting(cfg),
      logLimits: { xlog, firstXlog: xlog, log: globals.logLevel, firstLog: globals.logLevel },
      groups: globals.groups,
      vars: this.vars,
      timerVars: this.timerVars,
      shared: this.shared,
      serverLine: globals.serverSignature && server !== '' ? `${server}\r\n` : '',
      userAgentLine: globals.userAgentHeader ?? `User-Agent: ${product}`,
      warning: globals.sipWarning,
      forceRport: globals.forceRport,
      localRport: globals.localRport,
      onsendReplies: globals.onsendReply,
      maxBranches: globals.maxBranches,
      linePrefix: linePrefix(cfg),
      dialogs: this.dialogProof(settings),
      socket: (text) => sip.sockets.named(text) ?? sip.sockets.called(text),
      blocked: (lists, address) =>
        globals.blacklists.blocked(lists, address) ||
        cfg.inList(this.core.env, lists, address.address) ||
        blacklists.blocked(lists, address as Parameters<typeof blacklists.blocked>[1]),
      hasBlacklist: (name) => globals.blacklists.has(name) || cfg.hasList(this.core.env, name) || blacklists.has(name),
      tables: this.tables,
      tally: this.options.tally,
      forceDst: dispatcher.kamailio.forceDst,
      selectFlags: selectFlags(cfg),
      setidPvar: dispatcher.setidPvar === undefined ? undefined : compileWritable(dispatcher.setidPvar),
      attrsPvar: attrsPvar === undefined ? undefined : compileWritable(attrsPvar),
      scriptAttrsAvp: (partition) => scriptAttrs.get(partition),
      reload: (name) => this.options.reload(name),
      reloadTables: (partition, module) => this.reloadTables(partition, module),
      trace: this.options.trace,
      modules: new ModuleStates(
        cfg.modules,
        cfg.loaded,
        this.kept,
        cfg.compile,
        memory?.states,
        memory === undefined ? this.values : undefined,
        memory?.others,
      ),
      hooks: cfg.hooks,
      claims: this.claims,
      masks: cfg.masks,
      services: this.options.isolated === true ? servicesOfCopy(this.services) : this.services,
      calls: this.options.calls,
    };
  }
}
