import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { Settings } from '../config/settings.js';
import type { HealthGroup, HealthItem } from '../console/server/wire.js';
import type { Clock } from '../core/clock.js';
import { plural } from '../core/plural.js';
import type { Engine } from '../engine/engine.js';
import type { Prober } from '../probing/prober.js';
import { hostPort } from '../sip/transport/transport.js';
import type { Metrics } from '../stats/metrics.js';
import type { PartitionRuntime } from '../tenant/tenant.js';
import type { EventParts } from './build-events.js';
import type { SipParts } from './build-sip.js';
import { ReachedLimits } from './console-limits.js';
import type { StartTime } from './start-time.js';

/** The sources of the page "health". */
export interface HealthSources {
  readonly settings: () => Settings;
  readonly engine: Engine;
  readonly runtimes: ReadonlyMap<string, PartitionRuntime>;
  readonly sip: SipParts;
  readonly events: EventParts;
  readonly prober: Prober;
  readonly startTime: StartTime;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly readers: () => number;
}

/** Milliseconds for which the delay of the event loop is measured after a request. */
const WATCHED_MS = 60_000;
const MIB = 1024 * 1024;

/** The state of the daemon for operators. Contains no names of users or database hosts. */
export class ConsoleHealth {
  private delay: IntervalHistogram | undefined;
  private timer: NodeJS.Timeout | undefined;

  private readonly limits: ReachedLimits;

  constructor(private readonly sources: HealthSources) {
    this.limits = new ReachedLimits(sources.metrics, sources.clock);
  }

  /** The current content of the page: one group for each part of the daemon. */
  groups(): readonly HealthGroup[] {
    return [
      this.process(),
      this.partitions(),
      this.sip(),
      this.limits.group(),
      this.events(),
      this.probing(),
      endpoints(this.sources.settings()),
    ];
  }

  private process(): HealthGroup {
    const { heapUsed, rss } = process.memoryUsage();
    const delay = this.watchDelay();
    const seconds = Math.floor(process.uptime());
    return group('Process', [
      item('started', this.sources.startTime.at === undefined ? '' : new Date(this.sources.startTime.at).toISOString()),
      item('up for', `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`),
      item('memory', `${Math.round(rss / MIB)} MiB, heap ${Math.round(heapUsed / MIB)} MiB`),
      item(
        'event loop delay',
        `p99 ${delay.p99.toFixed(1)} ms, longest ${delay.max.toFixed(1)} ms`,
        delay.p99 > 50 ? 'warning' : 'ok',
        'in the last minute, or since the last look',
      ),
      item('pages open', String(this.sources.readers())),
    ]);
  }

  private partitions(): HealthGroup {
    const items = [...this.sources.runtimes.values()].map((runtime) => {
      const { notReady, figures } = runtime;
      const flusher = runtime.options.flusher;
      const { size } = runtime.partition.snapshot;
      const details = [
        `loaded ${plural(figures.loads, 'time')}`,
        ...(figures.failures > 0 ? [`${plural(figures.failures, 'load')} failed`] : []),
        ...(figures.discarded > 0 ? [`${plural(figures.discarded, 'row')} left out`] : []),
        ...(flusher === undefined ? [] : [`${plural(flusher.pendingCount, 'state')} to be written`]),
        ...(flusher?.failing === true ? ['states cannot be written'] : []),
      ];
      const level = notReady !== undefined ? 'bad' : figures.discarded > 0 || flusher?.failing ? 'warning' : 'ok';
      return item(runtime.name, notReady ?? plural(size, 'destination'), level, details.join(', '));
    });
    return group('Partitions', items);
  }

  private sip(): HealthGroup {
    const { layer, transports } = this.sources.sip;
    const { maxTransactions } = this.sources.settings().limits;
    const share = layer.load / maxTransactions;
    return group('SIP', [
      item('transactions', `${layer.size} of ${maxTransactions}`, share > 0.9 ? 'bad' : share > 0.5 ? 'warning' : 'ok'),
      ...transports.map(({ description, counts }) =>
        item(description, counts === undefined ? 'open' : `${counts.inbound} in, ${counts.outbound} out`),
      ),
    ]);
  }

  private events(): HealthGroup {
    const { nats, publisher } = this.sources.events;
    const { subscribers, dropped } = publisher.stats();
    const items: HealthItem[] = [item('subscribers', String(subscribers), 'ok', `${dropped} events dropped`)];
    if (nats === undefined) items.unshift(item('NATS', 'not configured'));
    else {
      const { depth } = nats.stats();
      items.unshift(
        item('NATS', nats.connected ? 'connected' : 'not connected', nats.connected ? 'ok' : 'bad'),
        item(
          'outbox',
          `${depth} events waiting`,
          depth > 0 && !nats.connected ? 'warning' : 'ok',
          depth === 0
            ? ''
            : `the oldest for ${this.sources.metrics.total('switchyard_outbox_lag_seconds').toFixed(1)} s`,
        ),
      );
    }
    return group('Events', items);
  }

  private probing(): HealthGroup {
    const { watched, inFlight, queued, sent, timeouts } = this.sources.prober.figures();
    return group('Probing', [
      item('watched', String(watched)),
      item('in flight', String(inFlight), 'ok', `${queued} wait`),
      item('sent', String(sent), 'ok', `${timeouts} without an answer`),
    ]);
  }

  /** Delays in milliseconds; measured only for a minute after the last request. */
  private watchDelay(): { readonly p99: number; readonly max: number } {
    if (this.delay === undefined) {
      this.delay = monitorEventLoopDelay({ resolution: 20 });
      this.delay.enable();
    }
    const { delay } = this;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      delay.disable();
      this.delay = undefined;
    }, WATCHED_MS);
    this.timer.unref();
    // The histogram includes the interval itself; the delay is what exceeds it.
    const above = (nanoseconds: number) => Math.max(nanoseconds / 1e6 - 20, 0);
    return delay.count === 0 ? { p99: 0, max: 0 } : { p99: above(delay.percentile(99)), max: above(delay.max) };
  }
}

/** How the management interface is reached, and as which user. */
function endpoints({ http, mi }: Settings): HealthGroup {
  const { fifo, datagram, ctl = [], jsonrpc = [] } = mi;
  const as = (user: string | undefined) => (user === undefined ? '' : `as ${user}`);
  return group('Endpoints', [
    ...(http === undefined ? [] : [item('HTTP', `${http.tls ? 'https' : 'http'}://${hostPort(http.host, http.port)}`)]),
    ...(mi.http === undefined ? [] : [item('MI over HTTP', `/${mi.http.root}`, 'ok', as(mi.http.as))]),
    ...fifo.map((each) => item('FIFO', each.fifoName, 'ok', as(each.as))),
    ...datagram.map((each) => item('datagrams', each.socketName, 'ok', as(each.as))),
    ...ctl.map((each) => item('ctl', each.text, 'ok', as(each.as))),
    ...jsonrpc.flatMap((each) => [
      ...(each.fifo === undefined ? [] : [item("Kamailio's FIFO", each.fifo.fifoName, 'ok', as(each.as))]),
      ...(each.datagram === undefined
        ? []
        : [item("Kamailio's datagrams", each.datagram.socketName, 'ok', as(each.as))]),
      ...(each.http === undefined ? [] : [item("Kamailio's HTTP", `/${each.http.root}`, 'ok', as(each.as))]),
    ]),
    ...(mi.nats === undefined ? [] : [item('MI over NATS', mi.nats.subject, 'ok', as(mi.nats.as))]),
  ]);
}

function group(title: string, items: readonly HealthItem[]): HealthGroup {
  return { title, items };
}

function item(name: string, value: string, level: HealthItem['level'] = 'ok', detail = ''): HealthItem {
  return { name, value, level, ...(detail === '' ? {} : { detail }) };
}
