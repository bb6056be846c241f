import { getHeapStatistics } from 'node:v8';
import { Access } from '../access/access.js';
import { AuditTrail } from '../access/audit.js';
import { unbounded } from '../access/caller.js';
import { HttpAccess } from '../access/http-access.js';
import type { BlacklistTable } from '../blacklist/blacklist.js';
import type { Settings } from '../config/settings.js';
import { messageOf } from '../core/errors.js';
import type { Service } from '../core/service.js';
import type { Engine } from '../engine/engine.js';
import { manualEvent } from '../events/catalogue.js';
import type { MiAnswer } from '../events/sinks/nats-mi.js';
import type { HealthSource } from '../http/handlers.js';
import type { HttpServer } from '../http/server.js';
import type { DatagramEndpoint } from '../management/endpoints/datagram.js';
import { type MiCommand, MiError } from '../management/mi/command.js';
import { registerCommands } from '../management/mi/commands/all.js';
import type { ScriptCommandTable, SettingsControl } from '../management/mi/dependencies.js';
import { MiHandler } from '../management/mi/handler.js';
import type { Prober } from '../probing/prober.js';
import type { PartitionRuntime } from '../tenant/tenant.js';
import { followAudit } from './audit-sinks.js';
import type { CallRecording } from './build-calls.js';
import { buildEndpoints } from './build-endpoints.js';
import type { EventParts } from './build-events.js';
import { buildHttp, type HttpParts } from './build-http.js';
import type { SipParts } from './build-sip.js';
import type { TraceControl } from './build-traces.js';
import { registerCallMetrics } from './call-metrics.js';
import { clusteredDispatcher } from './clustered-dispatcher.js';
import { registerGauges } from './destination-metrics.js';
import type { DaemonEnvironment } from './environment.js';
import type { Explanations } from './explanations.js';
import { createKamailioRpc, type KamailioRpc } from './kamailio-rpc.js';
import { dispatcherControl, statusReports } from './mi-dependencies.js';
import { natsAnswers } from './nats-answers.js';
import { registerProcessMetrics } from './process-metrics.js';
import type { socketCheck } from './socket-check.js';
import type { StartTime } from './start-time.js';
import type { DaemonStatistics } from './statistics.js';
import { VERSION } from './version.js';
import type { WorkerParts } from './worker-hooks.js';

/** What the management part needs. */
export interface ManagementEnvironment extends DaemonEnvironment {
  /** Commands of the modules in a configuration file. */
  readonly script: ScriptCommandTable | undefined;
  readonly engine: Engine;
  readonly runtimes: ReadonlyMap<string, PartitionRuntime>;
  readonly sip: SipParts;
  readonly events: EventParts;
  readonly prober: Prober;
  readonly blacklists: BlacklistTable;
  readonly calls: CallRecording;
  readonly traces: TraceControl;
  readonly explanations: Pick<Explanations, 'explain' | 'scripted'>;
  readonly settingsControl: SettingsControl | undefined;
  readonly statistics: DaemonStatistics;
  readonly noSocket: ReturnType<typeof socketCheck>;
  /** Whether this process listens on a socket that a destination names. */
  readonly listens: (socket: string) => boolean;
  readonly startTime: StartTime;
  readonly argv: readonly string[];
  readonly health: HealthSource;
  /** The workers; undefined: this process alone. */
  readonly workers: () => WorkerParts | undefined;
}

/** The commands and their endpoints. */
export interface ManagementParts {
  readonly mi: MiHandler;
  readonly http: HttpServer | undefined;
  /** Reads the certificate of the HTTP listener again; the returned function uses it. Throws SwitchyardError. */
  readonly renewCertificate: () => () => void;
  /** The caller of an HTTP request; undefined: the request is not authorized. */
  readonly identify: HttpParts['identify'];
  readonly access: Access;
  readonly audit: AuditTrail;
  readonly datagrams: readonly DatagramEndpoint[];
  /** Answers a request over NATS. */
  readonly answerNats: MiAnswer;
  /** All endpoints in the order of their start. */
  readonly services: readonly Service[];
  /** Runs one of Kamailio's RPC commands. Never rejects. */
  callRpc(method: string, params: unknown): Promise<object>;
  /** Answers an RPC request that a script passes on as text; undefined if it is not JSON. Never rejects. */
  readonly answerRpc: KamailioRpc['answer'];
}

/** Runs a management command for a script. Never rejects. */
export async function commandForScript(
  mi: MiHandler,
  command: string,
  params: Readonly<Record<string, string>> | readonly string[],
): Promise<{ readonly text: string; readonly fault: boolean }> {
  try {
    const found = await mi.execute(command, withLists(mi.find(command), params), unbounded('script'));
    return { text: JSON.stringify(found) ?? 'null', fault: false };
  } catch (error) {
    const code = error instanceof MiError ? error.code : 500;
    return { text: JSON.stringify({ code, message: messageOf(error) }), fault: true };
  }
}

/**
 * The parameters of a command with lists where it takes lists, which a script cannot write: the rest of the parameters
 * in their order, or one element for a name.
 */
function withLists(
  command: MiCommand | undefined,
  params: Readonly<Record<string, string>> | readonly string[],
): unknown {
  const lists = command?.paramLists ?? [];
  if (!isList(params)) {
    const names = new Set(lists.flat().flatMap(({ name, type }) => (type === 'array' ? [name] : [])));
    return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, names.has(name) ? [value] : value]));
  }
  const open = lists.find((list) => list.at(-1)?.type === 'array' && list.length <= params.length);
  if (open === undefined) return params;
  const before = open.length - 1;
  return [...params.slice(0, before), params.slice(before)];
}

function isList(params: Readonly<Record<string, string>> | readonly string[]): params is readonly string[] {
  return Array.isArray(params);
}

/** Builds the command tables and the endpoints in the settings. Nothing is opened. */
export function buildManagement(settings: Settings, env: ManagementEnvironment): ManagementParts {
  const { engine, runtimes, sip, events, prober, blacklists, statistics, clock, log, peerLog, metrics } = env;
  registerGauges(metrics, { engine, layer: sip.layer, runtimes, prober, publisher: events.publisher });
  registerCallMetrics(metrics, env.calls.ledger, engine, () => clock.monotonic());
  registerProcessMetrics(metrics, VERSION, () => env.startTime.at);
  const audit = new AuditTrail(clock);
  const { nats } = events;
  const unpublished = metrics.counter(
    'switchyard_audit_unpublished_total',
    'Audit records that are in the log only: too many events waited for NATS',
  );
  followAudit(audit, log, nats, events.ids, unpublished.with({}));
  const mi = new MiHandler(peerLog, metrics, clock, audit);
  const own = dispatcherControl(runtimes, prober);
  const control = env.cluster.configured ? clusteredDispatcher(own, env.cluster) : own;
  const processInfo = {
    version: VERSION,
    platform: `${process.arch === 'x64' ? 'x86_64' : process.arch}/${process.platform}`,
    get startedAt() {
      return env.startTime.at;
    },
    now: () => clock.now(),
    argv: env.argv,
    workingDirectory: () => process.cwd(),
    // Sockets are listed like OpenSIPS' receiver processes, but all are in this process.
    processes: () => [
      { id: 0, pid: process.pid, type: 'switchyard' },
      ...sip.transports.map(({ transport, address, port }, i) => ({
        id: i + 1,
        pid: process.pid,
        type: `SIP receiver ${transport}:${address}:${port}`,
      })),
      ...(env.workers()?.pids ?? []).flatMap((pid, i) =>
        pid === undefined ? [] : [{ id: sip.transports.length + i + 1, pid, type: `SIP worker ${i + 1}` }],
      ),
    ],
  };
  registerCommands(mi, {
    partitions: () => [...engine.partitions],
    defaultPartition: () => engine.partition(''),
    states: engine.states,
    dispatcher: control,
    process: processInfo,
    statistics,
    events: events.publisher,
    raiseEvent: (name, params) => events.bus.raise(manualEvent(name, params, events.ids)),
    blacklists,
    listens: (socket) => sip.sockets.named(socket) !== undefined,
    reports: statusReports(engine, runtimes, events.changes),
    calls: env.calls,
    ...(env.cluster.configured ? { cluster: () => env.cluster.parts?.control } : {}),
    traces: env.traces.commands,
    explain: (...asked) => env.explanations.explain(...asked),
    scripted: () => env.explanations.scripted,
    audit,
    script: env.script,
    settings: env.settingsControl,
    log: {
      level: () => log.level ?? 'info',
      setLevel: (level) => {
        log.level = level;
        env.calls.ledger.askListeners();
        env.workers()?.changed();
      },
      focus: (focus, level, seconds) => {
        const isKnown = log.focus?.(focus, level, seconds) ?? false;
        env.calls.ledger.askListeners();
        return isKnown;
      },
      focuses: () => log.focuses?.() ?? [],
    },
  });
  const access = new Access(clock);
  access.configure(settings.access);
  const rpc = createKamailioRpc({
    mi: settings.mi,
    engine,
    control,
    handler: mi,
    audit,
    process: processInfo,
    statistics,
    sockets: () => sip.transports,
    memory: () => ({ total: getHeapStatistics().heap_size_limit, used: process.memoryUsage().heapUsed }),
    limits: settings.limits,
    noSocket: env.noSocket,
    script: env.script,
    access: new HttpAccess(access, audit, false),
    clock,
    log: peerLog,
  });
  const endpoints = buildEndpoints(settings, { mi, rpc: rpc.service, access, clock, log: peerLog });
  const listener = buildHttp(settings, {
    mi,
    rpc: rpc.service,
    access,
    audit,
    health: env.health,
    metrics,
    log: peerLog,
  });
  return {
    mi,
    http: listener?.server,
    identify: listener?.identify ?? (async () => undefined),
    renewCertificate: listener?.renewCertificate ?? (() => () => {}),
    access,
    audit,
    datagrams: endpoints.datagrams,
    services: listener === undefined ? endpoints.services : [listener.server, ...endpoints.services],
    answerNats: natsAnswers(settings, mi, access),
    callRpc: (method, params) => rpc.call(method, params),
    answerRpc: (...asked) => rpc.answer(...asked),
  };
}
