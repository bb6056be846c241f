import { readFileSync } from 'node:fs';
import type { HepConfig, Settings } from '../config/settings.js';
import type { Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import type { Service } from '../core/service.js';
import type { MiValue } from '../management/mi/command.js';
import type { TraceParams, Traces } from '../management/mi/dependencies.js';
import type { TapPoint } from '../sip/transport/tap.js';
import type { Metrics } from '../stats/metrics.js';
import { HepSender } from '../trace/hep-sender.js';
import type { TraceSession } from '../trace/trace-session.js';
import { Tracer } from '../trace/tracer.js';

/** Bytes of messages in one answer: it must fit a datagram. */
const ANSWER_BYTES = 30_000;

/** Traces by MI, and copies of messages to a capture server. */
export class TraceControl implements Service {
  readonly name = 'traces';
  readonly tracer: Tracer;
  private hep: HepSender | undefined;
  private hepConfig: HepConfig | undefined;
  /** Counts of the senders before the present one. */
  private before = { sent: 0, dropped: 0 };
  private running = false;

  constructor(
    private settings: Settings,
    point: TapPoint,
    private readonly clock: Clock,
    private readonly log: Logger,
    metrics: Metrics,
  ) {
    this.tracer = new Tracer(point, clock);
    const total = (name: string, help: string, key: 'sent' | 'dropped') =>
      metrics.gauge({
        name,
        help,
        type: 'counter',
        collect: () => [[{}, this.before[key] + (this.hep?.counters[key] ?? 0)]],
      });
    total('switchyard_hep_sent_total', 'Messages given to the capture server', 'sent');
    total('switchyard_hep_dropped_total', 'Messages the capture server did not take', 'dropped');
  }

  async start(): Promise<void> {
    this.running = true;
    await this.useHep(this.settings.hep);
  }

  async stop(): Promise<void> {
    this.running = false;
    await this.useHep(undefined);
  }

  /** Takes new settings; the connection to a capture server that stays the same stays. */
  configure(settings: Settings): void {
    this.settings = settings;
    if (this.running && JSON.stringify(settings.hep) !== JSON.stringify(this.hepConfig)) void this.useHep(settings.hep);
  }

  /** What the trace_* commands do. */
  readonly commands: Traces = {
    start: (params) => this.begin(params),
    get: (id, after) => this.get(id, after),
    list: (isSeen) => ({
      Traces: this.tracer
        .list()
        .filter(({ filter }) => isSeen(filter.partition))
        .map(summary),
    }),
    partitionOf: (id) => this.tracer.find(id).filter.partition,
    stop: (id) => this.tracer.stop(id),
  };

  private begin({ bodies, seconds, calls, messages, ...filter }: TraceParams): number {
    const bounds = {
      ...(seconds === undefined ? {} : { seconds }),
      ...(calls === undefined ? {} : { calls }),
      ...(messages === undefined ? {} : { messages }),
    };
    return this.tracer.begin({ filter, bounds, bodies }).id;
  }

  private get(id: number, after: number): MiValue {
    const session = this.tracer.find(id);
    const messages = session.read(after, ANSWER_BYTES);
    return {
      ...summary(session),
      more: (messages[messages.length - 1]?.n ?? after) < (session.messages[session.messages.length - 1]?.n ?? 0),
      Messages: messages.map(({ n, time, direction, transport, local, remote, callId, text }) => ({
        n,
        time,
        direction,
        transport,
        local: { address: local.address, port: local.port },
        remote: { address: remote.address, port: remote.port },
        call_id: callId,
        text,
      })),
    };
  }

  private async useHep(config: HepConfig | undefined): Promise<void> {
    const former = this.hep;
    this.hep = undefined;
    this.hepConfig = config;
    this.tracer.useCapture(undefined);
    if (former !== undefined) {
      this.before.sent += former.counters.sent;
      this.before.dropped += former.counters.dropped;
      await former.stop();
    }
    if (config === undefined) return;
    let ca: string | undefined;
    try {
      ca = config.caFile === undefined ? undefined : readFileSync(config.caFile, 'utf8');
    } catch (error) {
      this.log.error({ cause: messageOf(error) }, 'messages are not sent to the capture server');
      return;
    }
    const hep = new HepSender({ ...config, ca }, this.clock, this.log);
    this.hep = hep;
    await hep.start();
    this.tracer.useCapture(hep);
  }
}

function summary({ id, ended, messages, callCount, filter }: TraceSession): { readonly [key: string]: MiValue } {
  const given = Object.entries(filter).filter((each): each is [string, string | number] => each[1] !== undefined);
  return { id, ended: ended ?? null, calls: callCount, messages: messages.length, filter: Object.fromEntries(given) };
}
