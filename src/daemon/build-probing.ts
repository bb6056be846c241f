import type { Settings } from '../config/settings.js';
import type { Destination } from '../engine/destination.js';
import type { Engine } from '../engine/engine.js';
import type { ProbeOutcome } from '../probing/probe.js';
import type { Prober } from '../probing/prober.js';
import { createProber } from '../probing/scheduled-prober.js';
import type { CallRecording } from './build-calls.js';
import type { SipParts } from './build-sip.js';
import type { DaemonEnvironment } from './environment.js';

/** What the prober needs. */
export interface ProbingEnvironment extends DaemonEnvironment {
  readonly engine: Engine;
  readonly sip: SipParts;
  readonly calls: CallRecording;
  /** A script's local route, which may change our own requests; undefined: there is none. */
  readonly probeEdit: () => ((text: string) => string) | undefined;
  /** Called for each probe that has ended. */
  readonly probed?: (destination: Destination, outcome: ProbeOutcome) => void;
}

/** Milliseconds by which a probe's transaction outlives the prober's own deadline, so that the latter decides. */
const SLACK_MS = 1000;

/** Builds the prober, which sends probes in transactions of the daemon. */
export function buildProbing(settings: Settings, env: ProbingEnvironment): Prober {
  const { engine, sip, calls, clock, random, log, metrics } = env;
  const probes = metrics.counter('switchyard_probe_results_total', 'Probes by partition and result');
  return createProber({
    engine,
    stateTable: engine.states,
    config: settings.dispatcher,
    partitions: settings.partitions,
    clock,
    random,
    logger: log,
    send: (probe, done) =>
      sip.originator.send({ ...probe, timeoutMs: probe.timeoutMs + SLACK_MS, edit: env.probeEdit() }, done),
    owns: (destination) => env.cluster.probes(destination),
    observer: {
      ended: (destination, outcome, good) => {
        env.probed?.(destination, outcome);
        if (outcome.rtt !== undefined) calls.ledger.probed(destination, outcome.rtt);
        const result = good === undefined ? 'stale' : good ? 'good' : 'bad';
        probes.with({ partition: destination.partition, result }).value++;
      },
    },
  });
}
