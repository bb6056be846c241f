import type { HealthGroup, HealthItem } from '../console/server/wire.js';
import type { Clock } from '../core/clock.js';
import type { Metrics } from '../stats/metrics.js';

/** Milliseconds for which a reached limit is shown as a warning. */
const RECENT_MS = 60_000;

/** The limits: what each counter of refusals means. */
const LIMITS: readonly (readonly [name: string, metric: string])[] = [
  ['source over its rate', 'switchyard_sip_limited_total'],
  ['too many transactions', 'switchyard_sip_overload_total'],
  ['congestion', 'switchyard_sip_congestion_refused_total'],
  ['too many connections', 'switchyard_sip_connections_refused_total'],
  ['unreadable messages', 'switchyard_sip_dropped_total'],
  ['unreadable MI requests', 'switchyard_mi_refused_total'],
  ['events dropped', 'switchyard_outbox_dropped_total'],
];

/** Refusals at each limit since the start; recent ones are highlighted. */
export class ReachedLimits {
  private readonly seen = new Map<string, { value: number; at: number }>();

  constructor(
    private readonly metrics: Pick<Metrics, 'total'>,
    private readonly clock: Clock,
  ) {}

  /** One item for each limit. */
  group(): HealthGroup {
    const now = this.clock.monotonic();
    const items = LIMITS.map(([name, metric]): HealthItem => {
      const value = this.metrics.total(metric);
      const known = this.seen.get(metric);
      // At the first reading it is unknown when the refusals happened.
      const at = known === undefined ? Number.NEGATIVE_INFINITY : value > known.value ? now : known.at;
      this.seen.set(metric, { value, at });
      const isRecent = now - at < RECENT_MS;
      return {
        name,
        value: String(value),
        level: isRecent ? 'warning' : 'ok',
        ...(isRecent && { detail: 'in the last minute' }),
      };
    });
    return { title: 'Refused since the start', items };
  }
}
