import { trimmed } from '../core/characters.js';
import type { ModuleParameters, ScriptEnvironment } from '../script/environment.js';
import type { ProbeMode } from '../script/gateway-rows.js';
import { sendOwn } from '../script/own-requests.js';

/** A destination of load_balancer or a gateway of drouting, with the data needed for probing. */
export interface ProbedGateway {
  readonly uri: string;
  /** When the gateway is probed. */
  readonly probeMode: ProbeMode;
  /** The socket it is probed from; '' for any. */
  readonly socket: string;
  /** Switched off by a command: neither used nor probed. */
  off: boolean;
  /** Not used until it answers a probe. */
  disabled: boolean;
}

interface ProbingSettings {
  /** Milliseconds between probes; 0: no probing. */
  readonly interval: number;
  readonly method: string;
  readonly from: string;
  /** Socket for gateways that have none of their own. */
  readonly socket: string;
  /** Status codes that count as success, besides 200. */
  readonly codes: ReadonlySet<number>;
}

/** Reads the parameters probing_* of a module. */
export function probingSettings(parameters: ModuleParameters): ProbingSettings {
  return {
    interval: Math.max(0, parameters.int('probing_interval', 30)) * 1000,
    method: parameters.text('probing_method', 'OPTIONS'),
    from: parameters.text('probing_from', 'sip:prober@localhost'),
    socket: parameters.text('probing_socket', ''),
    codes: new Set(
      parameters
        .text('probing_reply_codes', '')
        .split(',')
        .map((each) => Number(trimmed(each)))
        .filter((each) => each >= 100 && each <= 699),
    ),
  };
}

/** Probes gateways: some always, others only while they are disabled, until they answer. */
export class GatewayProbing<T extends ProbedGateway> {
  private stopTimer: (() => void) | undefined = undefined;
  private readonly waiting = new WeakSet<T>();
  private env: ScriptEnvironment | undefined = undefined;
  /** Whether probing is suspended. */
  paused = false;

  constructor(
    private settings: ProbingSettings,
    private readonly gateways: () => Iterable<T>,
    /** Called with the result of a probe: whether the gateway answers. */
    private readonly found: (env: ScriptEnvironment, gateway: T, answers: boolean) => void,
  ) {}

  /** Changes the settings, from the next probe on. */
  configure(settings: ProbingSettings): void {
    this.settings = settings;
  }

  /** Suspends or resumes probing. */
  pause(env: ScriptEnvironment, paused: boolean): void {
    this.paused = paused;
    this.wake(env);
  }

  /** Starts probing if there is something to probe. Must be called whenever that may have changed. */
  wake(env: ScriptEnvironment): void {
    this.env = env;
    const { interval } = this.settings;
    if (this.paused || this.stopTimer !== undefined || interval === 0) return;
    if (![...this.gateways()].some(wanted)) return;
    this.stopTimer = env.clock.schedule(interval, () => this.round());
  }

  private round(): void {
    this.stopTimer = undefined;
    const { env } = this;
    if (env === undefined || this.paused) return;
    for (const gateway of this.gateways()) if (wanted(gateway) && !this.waiting.has(gateway)) this.probe(env, gateway);
    this.wake(env);
  }

  private probe(env: ScriptEnvironment, gateway: T): void {
    const { method, from, codes } = this.settings;
    const socket = gateway.socket || this.settings.socket || undefined;
    const request = {
      method,
      uri: gateway.uri,
      nextHop: undefined,
      from,
      to: gateway.uri,
      callId: env.random.token(16),
      cseq: 10,
      lines: '',
      body: '',
      socket,
    };
    const sent = sendOwn(env, request, (code) => {
      this.waiting.delete(gateway);
      if (this.env !== undefined) this.found(this.env, gateway, (code >= 200 && code < 300) || codes.has(code));
    });
    if (sent) this.waiting.add(gateway);
  }
}

function wanted({ off, disabled, probeMode }: ProbedGateway): boolean {
  return !off && (probeMode === 2 || (probeMode === 1 && disabled));
}
