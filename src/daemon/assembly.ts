import type { Console } from '../console/server/console.js';
import { nullLogger } from '../core/logger.js';
import { scriptEvent, thresholdEvent } from '../events/catalogue.js';
import type { HealthReport } from '../http/handlers.js';
import type { SettingsControl } from '../management/mi/dependencies.js';
import type { Prober } from '../probing/prober.js';
import { buildConsole } from './build-console.js';
import { buildEvents, type EventParts } from './build-events.js';
import { buildManagement, commandForScript, type ManagementParts } from './build-management.js';
import { buildObservers, type ObserverParts } from './build-observers.js';
import { buildProbing } from './build-probing.js';
import { buildRouting, type RoutingParts } from './build-routing.js';
import { buildSip, type SipParts } from './build-sip.js';
import { buildTables, type TableParts } from './build-tables.js';
import type { DaemonOptions } from './daemon-options.js';
import { createEnvironment, type OwnEnvironment } from './environment.js';
import { type Copy, Explanations } from './explanations.js';
import { LoadFollowers } from './load-followers.js';
import { RecordPublisher } from './record-publisher.js';
import { faultOf } from './script-services.js';
import { Secret } from './secret.js';
import { WorkerHooks } from './worker-hooks.js';

/** The parts of a daemon. */
export interface DaemonParts extends OwnEnvironment, RoutingParts {
  readonly secret: Secret;
  readonly sip: SipParts;
  readonly tables: TableParts;
  readonly observers: ObserverParts;
  readonly prober: Prober;
  readonly events: EventParts;
  readonly management: ManagementParts;
  /** Undefined without an HTTP listener. */
  readonly console: Console | undefined;
  /** Undefined with one worker. */
  readonly hooks: WorkerHooks | undefined;
  readonly followers: LoadFollowers;
}

/** Functions of the whole daemon that its parts need. */
export interface WholeDaemon {
  readonly health: () => HealthReport;
  /** Reads the settings again; undefined where a program supplied the settings. */
  readonly settingsControl: SettingsControl | undefined;
  /** Creates another daemon, which is never started. */
  readonly create: (options: DaemonOptions) => Copy;
}

/**
 * Builds all parts of a daemon; each gets the parts built before it. A part gets later ones as functions, which it
 * calls only while the daemon runs. Nothing is opened, loaded or started. Throws SwitchyardError for unusable settings.
 */
export function assemble(options: DaemonOptions, daemon: WholeDaemon): DaemonParts {
  const { settings: first, unsent, copyOf } = options;
  const env = createEnvironment(options);
  const { clock, random, cluster, settings } = env;
  const secret = copyOf?.secret ?? new Secret(first, env);
  const hooks = first.workers === 1 || unsent !== undefined ? undefined : new WorkerHooks(first.workers, random);
  const sip = buildSip(first, {
    ...env,
    log: env.peerLog,
    unsent,
    hooks,
    slowLookup: (name, ms) => events.bus.raise(thresholdEvent('dns', ms, name, events.ids)),
  });
  const followers = new LoadFollowers(() => parts);
  const records = new RecordPublisher(env, () => events);
  const tables = buildTables({
    ...env,
    sip,
    anySocket: options.anySocket === true,
    loaded: (partition) => followers.loaded(partition),
    renamed: (partition) => followers.rebuildBlacklists(partition),
  });
  const { engine, partitions } = tables;
  const runtimes = partitions.byName;
  const observers = buildObservers({
    ...env,
    sip,
    tables,
    scriptStatistics: () => script?.statistics() ?? [],
    publish: records.call,
  });
  const { calls, startTime } = observers;
  const { routing, script } = buildRouting(options, {
    ...env,
    sip,
    tables,
    observers,
    secret,
    publish: records.ofScript,
    subscribe: (...all) => faultOf(() => events.publisher.subscribe(...all)),
    scriptEvents: {
      subscribed: (name) => events.publisher.subscribed(name),
      raise: (name, params) => events.publisher.notify(scriptEvent(name, params, events.ids)),
    },
    rpc: (...asked) => management.answerRpc(...asked),
    mi: (command, params) => commandForScript(management.mi, command, params),
    tablesRead: (partition) => hooks?.parts?.tablesRead(partition),
  });
  const prober = buildProbing(first, {
    ...env,
    engine,
    sip,
    calls,
    probeEdit: () => script?.local ?? routing.local,
    probed: (destination, outcome) => page?.probed(destination, outcome),
  });
  const events: EventParts = buildEvents({
    ...env,
    scriptEvents: () => script?.file.events ?? [],
    engine,
    runtimes,
    answerMi: (text, request) => management.answerNats(text, request),
  });
  // In a copy, only the route for the request runs, and no event routes.
  if (copyOf === undefined) events.bus.on(script?.event ?? routing.event);
  const explanations = new Explanations({
    engine,
    clock,
    settings,
    byRules: (...asked) => routing.explain(...asked),
    script,
    routeScript: () => routing.routeScript,
    copy: ({ memory, ...of }) => {
      const silent = Object.assign(Object.create(nullLogger), { level: 'silent' });
      return daemon.create({ ...of, log: silent, anySocket: true, drainMs: 0, copyOf: { secret, memory } });
    },
  });
  const management: ManagementParts = buildManagement(first, {
    ...env,
    settingsControl: daemon.settingsControl,
    engine,
    runtimes,
    sip,
    events,
    prober,
    blacklists: tables.blacklists,
    calls,
    traces: observers.traces,
    explanations,
    script: script?.commands,
    statistics: observers.statistics,
    noSocket: tables.noSocket,
    listens: tables.listens,
    startTime,
    argv: options.argv ?? process.argv,
    health: daemon.health,
    workers: () => hooks?.parts,
  });
  const { http, identify } = management;
  const page =
    http &&
    buildConsole({
      ...env,
      engine,
      runtimes,
      sip,
      events,
      prober,
      startTime,
      ledger: calls.ledger,
      http,
      identify,
      clustered: cluster.configured,
    });
  const parts: DaemonParts = {
    ...env,
    secret,
    sip,
    tables,
    observers,
    routing,
    script,
    prober,
    events,
    management,
    console: page,
    hooks,
    followers,
  };
  return parts;
}
