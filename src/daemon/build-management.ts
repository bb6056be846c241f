import type { BlacklistTable } from '../blacklist/blacklist.js';
import type { Settings } from '../config/settings.js';
import type { Clock } from '../core/clock.js';
import type { Logger } from '../core/logger.js';
import type { Service } from '../core/service.js';
import type { Engine } from '../engine/engine.js';
import { manualEvent } from '../events/catalogue.js';
import { healthHandler, metricsHandler } from '../http/handlers.js';
import { HttpServer } from '../http/server.js';
import { MiDatagram } from '../management/endpoints/datagram.js';
import { MiFifo } from '../management/endpoints/fifo.js';
import { createMiHttpHandler } from '../management/endpoints/http.js';
import { registerCommands } from '../management/mi/commands/all.js';
import { MiHandler } from '../management/mi/handler.js';
import type { Prober } from '../probing/prober.js';
import type { Metrics } from '../stats/metrics.js';
import type { PartitionRuntime } from '../tenant/tenant.js';
import type { CallRecording } from './build-calls.js';
import type { EventParts } from './build-events.js';
import type { SipParts } from './build-sip.js';
import { registerGauges } from './destination-metrics.js';
import { createKamailioRpc } from './kamailio-rpc.js';
import { dispatcherControl, statusReports } from './mi-dependencies.js';
import type { socketCheck } from './socket-check.js';
import type { StartTime } from './start-time.js';
import type { DaemonStatistics } from './statistics.js';
import { VERSION } from './version.js';

export interface ManagementEnvironment {
  readonly engine: Engine;
  readonly runtimes: ReadonlyMap<string, PartitionRuntime>;
  readonly sip: SipParts;
  readonly events: EventParts;
  readonly prober: Prober;
  readonly blacklists: BlacklistTable;
  readonly calls: CallRecording;
  readonly statistics: DaemonStatistics;
  readonly noSocket: ReturnType<typeof socketCheck>;
  readonly startTime: StartTime;
  readonly argv: readonly string[];
  /** What /health answers. */
  readonly health: Parameters<typeof healthHandler>[0];
  readonly clock: Clock;
  readonly log: Logger & { level?: string };
  readonly metrics: Metrics;
}

/** Commands and the endpoints they come in by. */
export interface ManagementParts {
  readonly mi: MiHandler;
  readonly http: HttpServer | undefined;
  readonly datagrams: readonly MiDatagram[];
  /** All endpoints, in the order they are started. */
  readonly services: readonly Service[];
  /** Runs one of Kamailio's RPC commands. Never rejects. */
  callRpc(method: string, params: unknown): Promise<object>;
}

/** Builds the tables of commands and the endpoints the settings name. Nothing is opened. */
export function buildManagement(settings: Settings, env: ManagementEnvironment): ManagementParts {
  const { engine, runtimes, sip, events, prober, blacklists, statistics, clock, log, metrics } = env;
  registerGauges(metrics, { engine, layer: sip.layer, runtimes, prober, publisher: events.publisher });
  const mi = new MiHandler(log, metrics, clock);
  const control = dispatcherControl(runtimes, prober);
  const processInfo = {
    version: VERSION,
    platform: `${process.arch === 'x64' ? 'x86_64' : process.arch}/${process.platform}`,
    get startedAt() {
      return env.startTime.at;
    },
    now: () => clock.now(),
    argv: env.argv,
    workingDirectory: () => process.cwd(),
    processes: () => [{ id: 0, pid: process.pid, type: 'switchyard' }],
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
    reports: statusReports(engine, runtimes, events.changes),
    calls: env.calls,
    log: {
      level: () => log.level ?? 'info',
      setLevel: (level) => {
        log.level = level;
      },
    },
  });
  const rpc = createKamailioRpc({
    mi: settings.mi,
    engine,
    control,
    handler: mi,
    process: processInfo,
    statistics,
    sockets: () => sip.transports,
    noSocket: env.noSocket,
    clock,
    log,
  });
  const { fifo, datagram } = settings.mi;
  const datagrams = datagram.map((config) => new MiDatagram({ config, handler: mi, logger: log }));
  const http = settings.http === undefined ? undefined : new HttpServer({ ...settings.http, log });
  http?.mount('/metrics', metricsHandler(metrics), { methods: ['GET', 'HEAD'] });
  http?.mount('/health', healthHandler(env.health), { methods: ['GET', 'HEAD'] });
  if (settings.mi.http !== undefined) http?.mount(`/${settings.mi.http.root}`, createMiHttpHandler(mi));
  if (rpc.http !== undefined) http?.mount(`/${rpc.http.root}`, rpc.http.handler);
  return {
    mi,
    http,
    datagrams,
    services: [
      ...(http === undefined ? [] : [http]),
      ...(fifo === undefined ? [] : [new MiFifo({ config: fifo, handler: mi, clock, logger: log })]),
      ...datagrams,
      ...rpc.services,
    ],
    callRpc: (method, params) => rpc.call(method, params),
  };
}
