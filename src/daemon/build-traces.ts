import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { HepConfig, Settings } from '../config/settings.js';
import type { Clock } from '../core/clock.js';
import { unreadableReason } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import type { Service } from '../core/service.js';
import type { MiValue } from '../management/mi/command.js';
import type { TraceParams, Traces } from '../management/mi/dependencies.js';
import type { ScriptCaptures } from '../script/services.js';
import type { TapPoint } from '../sip/transport/tap.js';
import type { Metrics } from '../stats/metrics.js';
import { FollowedCalls } from '../trace/followed-calls.js';
import { LOG_LINE } from '../trace/hep.js';
import { HepSender } from '../trace/hep-sender.js';
import type { TraceSession } from '../trace/trace-session.js';
import { Tracer } from '../trace/tracer.js';

/** Maximum number of capture servers named by scripts, besides that of the settings. */
const MAX_SERVERS = 16;
/** Bytes of messages in one answer, which must fit into a datagram. */
const ANSWER_BYTES = 30_000;

/** Traces for MI, and copies of messages for a capture server. */
export class TraceControl implements Service {
  readonly name = 'traces';
  readonly tracer: Tracer;
  private hep: HepSender | undefined = undefined;
  private hepConfig: HepConfig | undefined = undefined;
  /** Senders to other servers named by scripts, by description. */
  private readonly others = new Map<string, HepSender>();
  private chosen: FollowedCalls | undefined = undefined;
  /** Counts of earlier senders. */
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
    total('switchyard_hep_sent_total', 'Messages sent to the capture server', 'sent');
    total('switchyard_hep_dropped_total', 'Messages that could not be sent to the capture server', 'dropped');
  }

  async start(): Promise<void> {
    this.running = true;
    await this.useHep(this.settings.hep);
  }

  async stop(): Promise<void> {
    this.running = false;
    await this.useHep(undefined);
  }

  /** Applies new settings; a connection to an unchanged capture server is kept. */
  configure(settings: Settings): void {
    this.settings = settings;
    if (this.running && JSON.stringify(settings.hep) !== JSON.stringify(this.hepConfig)) void this.useHep(settings.hep);
  }

  /** The functions of the trace_* commands. */
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
    for (const sender of this.others.values()) await sender.stop();
    this.others.clear();
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
      this.log.error(
        { file: config.caFile, cause: unreadableReason(error) },
        'messages are not sent to the capture server',
      );
      return;
    }
    const hep = new HepSender({ ...config, ca }, this.clock, this.log);
    this.hep = hep;
    await hep.start();
    this.chosen = config.chosen ? new FollowedCalls() : undefined;
    this.tracer.useCapture(hep, this.chosen);
  }

  /** Sends messages of scripts to capture servers; undefined without one. */
  get captures(): ScriptCaptures | undefined {
    return this.hep === undefined ? undefined : this.ofScripts;
  }

  private readonly ofScripts: ScriptCaptures = {
    send: (message, server) => {
      const sender = server === undefined ? this.hep : this.sender(server);
      sender?.capture(this.tracer.shown(message));
      return sender !== undefined;
    },
    follow: (callId, cseq) => this.chosen?.follow(callId, cseq, this.clock.monotonic()),
    log: (text, callId) => {
      const { hep } = this;
      if (hep === undefined) return false;
      const { host: address, port } = hep.server;
      const local = { address: isIP(address) === 6 ? '::1' : '127.0.0.1', port: 0 };
      const remote = { address: isIP(address) === 0 ? '127.0.0.1' : address, port };
      hep.capture(this.tracer.shown({ direction: 'out', transport: 'udp', local, remote, callId, text }), LOG_LINE);
      return true;
    },
  };

  /** The sender to a server other than that of the settings; undefined when there are too many. */
  private sender(server: string): HepSender | undefined {
    const { hepConfig: config, others } = this;
    const known = others.get(server);
    if (known !== undefined || config === undefined) return known;
    const [, transport, host = '', port] = /^(udp|tcp|tls):(.*):([0-9]+)$/.exec(server) ?? [];
    if (transport === undefined || others.size >= MAX_SERVERS) return undefined;
    const target = {
      ...config,
      transport: transport as HepConfig['transport'],
      host,
      port: Number(port),
      ca: undefined,
    };
    const sender = new HepSender(target, this.clock, this.log);
    others.set(server, sender);
    void sender.start();
    return sender;
  }
}

function summary({ id, ended, messages, callCount, filter }: TraceSession): { readonly [key: string]: MiValue } {
  const given = Object.entries(filter).filter((each): each is [string, string | number] => each[1] !== undefined);
  return { id, ended: ended ?? null, calls: callCount, messages: messages.length, filter: Object.fromEntries(given) };
}
