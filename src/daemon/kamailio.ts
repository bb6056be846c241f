import type { DispatcherConfig } from '../config/settings.js';
import type { Clock } from '../core/clock.js';
import type { Service } from '../core/service.js';
import type { CompiledSet } from '../engine/compiled-set.js';
import type { Destination } from '../engine/destination.js';
import type { Engine } from '../engine/engine.js';
import { parseAttributes } from '../engine/kamailio/attributes.js';
import { Latency } from '../engine/kamailio/latency.js';
import { liveOf } from '../engine/kamailio/live.js';
import type { KamailioPartition } from '../engine/kamailio/options.js';
import { planOf } from '../engine/kamailio/set-plan.js';
import { acceptsCode, wantsPing } from '../engine/kamailio/states.js';
import type { ProbeOutcome, ProbeRequest } from '../probing/probe.js';

/**
 * What partitions of flavour kamailio need of the daemon besides their selections: who is probed and what counts as good,
 * latency statistics, and the end of calls that count as load.
 */
export class KamailioSide implements Service {
  readonly name = 'kamailio';
  private cancel: (() => void) | undefined;

  constructor(
    private readonly engine: Engine,
    private readonly clock: Clock,
    private readonly dispatcher: () => DispatcherConfig,
  ) {}

  async start(): Promise<void> {
    this.look();
  }

  async stop(): Promise<void> {
    this.cancel?.();
    this.cancel = undefined;
  }

  /** Whether a destination is probed now; undefined for other partitions. */
  readonly wants = (destination: Destination): boolean | undefined => {
    const partition = this.of(destination);
    return partition === undefined ? undefined : wantsPing(destination, partition.options);
  };

  /** Whether a reply to a probe is a good one; undefined for other partitions. */
  readonly accepts = (destination: Destination, code: number): boolean | undefined => {
    const partition = this.of(destination);
    return partition === undefined ? undefined : acceptsCode(code, partition.options);
  };

  /**
   * A probe with what the destination's attributes say of it, and the module's parameters where they say nothing:
   * ping_from; ping_socket, sockname, socket; obproxy.
   */
  readonly probe = (request: ProbeRequest): ProbeRequest => {
    const { row } = request.destination;
    const options = this.of(request.destination)?.options;
    if (options === undefined) return request;
    const { pingFrom, pingSocket, obproxy } = parseAttributes(row.attrs);
    const probe = { ...request, from: pingFrom ?? request.from, nextHop: obproxy ?? options.outboundProxy };
    if (pingSocket !== undefined) return { ...probe, socket: pingSocket };
    if (row.sockname !== undefined) return { ...probe, sockname: row.sockname };
    // The destination's own socket, or ds_probing_sock.
    if (request.socket !== undefined) return probe;
    return { ...probe, sockname: options.defaultSockname, socket: options.defaultSocket };
  };

  /** A probe ended: latency statistics, and with them the shares of destinations under congestion control. */
  readonly probed = (destination: Destination, outcome: ProbeOutcome): void => {
    const partition = this.of(destination);
    if (partition === undefined || !partition.options.latencyStats) return;
    const live = liveOf(destination);
    live.latency ??= new Latency(parseAttributes(destination.row.attrs).latency);
    if (outcome.cause === 'timeout' || outcome.code === 408) live.latency.timedOut();
    else if (outcome.rtt !== undefined) live.latency.observe(Math.trunc(outcome.rtt), partition.options.latencyAlpha);
    if (!/(?:^|;)\s*cc\s*=/i.test(destination.row.attrs)) return;
    const found = this.engine.partition(destination.partition);
    const set = found?.snapshot.sets.get(destination.setId) as CompiledSet | undefined;
    if (set !== undefined) planOf(set, found?.options.compat === 'strict').congestionChanged();
  };

  /** A dialog ended: the call counts no longer, in whichever partition it did. */
  readonly callEnded = (callId: string): void => {
    for (const { kamailio } of this.engine.partitions) {
      if (kamailio !== undefined && kamailio.calls.size > 0) kamailio.calls.endByCallId(callId);
    }
  };

  private of(destination: Destination): KamailioPartition | undefined {
    return this.engine.partition(destination.partition)?.kamailio;
  }

  /** Calls whose end nobody saw are forgotten when their time is up (ds_hash_expire, ds_hash_initexpire). */
  private look(): void {
    const seconds = this.dispatcher().kamailio?.hashCheckInterval ?? 30;
    this.cancel = this.clock.schedule(seconds * 1000, () => {
      for (const { kamailio } of this.engine.partitions) kamailio?.calls.expire();
      this.look();
    });
  }
}
