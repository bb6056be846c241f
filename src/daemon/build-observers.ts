import type { Statistic } from '../management/mi/dependencies.js';
import { CallRecording, type RecordSink } from './build-calls.js';
import type { SipParts } from './build-sip.js';
import type { TableParts } from './build-tables.js';
import { TraceControl } from './build-traces.js';
import type { DaemonEnvironment } from './environment.js';
import { EventLoopDelay } from './process-metrics.js';
import { dnsStatistics, EventLoopLoad, memoryStatistics } from './process-statistics.js';
import { StartTime } from './start-time.js';
import { DaemonStatistics } from './statistics.js';
import { Telemetry } from './telemetry.js';

/** What the observing part needs. */
export interface ObserversEnvironment extends DaemonEnvironment {
  readonly sip: SipParts;
  readonly tables: TableParts;
  /** Statistics of a script and its modules. */
  readonly scriptStatistics: () => readonly Statistic[];
  /** Publishes the record of a call that has ended. */
  readonly publish: RecordSink;
}

/** Statistics, call records, traces and telemetry: they observe messages and decide nothing. */
export interface ObserverParts {
  readonly startTime: StartTime;
  readonly statistics: DaemonStatistics;
  readonly calls: CallRecording;
  readonly traces: TraceControl;
  readonly telemetry: Telemetry;
  readonly loopDelay: EventLoopDelay;
  readonly loopLoad: EventLoopLoad;
}

/** Builds these parts. Nothing is opened or measured yet. */
export function buildObservers(env: ObserversEnvironment): ObserverParts {
  const { sip, tables, clock, log, metrics } = env;
  const settings = env.settings();
  const startTime = new StartTime(clock);
  const loopLoad = new EventLoopLoad(clock);
  const ofProcess = [...memoryStatistics(), ...loopLoad.statistics(), ...dnsStatistics(sip.resolver.figures)];
  const calls = new CallRecording(settings, sip.clock, log, env.publish);
  const telemetry = new Telemetry(settings, log);
  if (settings.telemetry !== undefined) calls.ledger.finals = telemetry;
  const traces = new TraceControl(settings, sip.tapPoint, clock, log, metrics);
  calls.ledger.onDispatch = (message, source, origin) => traces.tracer.dispatched(message, source, origin);
  return {
    startTime,
    statistics: new DaemonStatistics(
      sip.counters,
      sip.layer,
      tables.engine,
      startTime,
      ofProcess,
      env.scriptStatistics,
    ),
    calls,
    traces,
    telemetry,
    loopDelay: new EventLoopDelay(metrics),
    loopLoad,
  };
}
