import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { Metrics } from '../stats/metrics.js';

/** When settings were last read, and with which result. */
export class SettingsReloads {
  /** Seconds since the epoch; 0: never since the start. */
  private at = 0;
  private good = true;

  constructor(
    metrics: Metrics,
    private readonly now: () => number,
  ) {
    metrics.gauge({
      name: 'switchyard_settings_reload_success',
      help: 'Whether the last reload of the settings succeeded: 1, or 0 if they were refused',
      collect: () => [[{}, this.good ? 1 : 0]],
    });
    metrics.gauge({
      name: 'switchyard_settings_reload_timestamp_seconds',
      help: 'When settings were last read again, seconds since the epoch; 0 for never since the start',
      collect: () => [[{}, this.at]],
    });
  }

  /** A read of the settings has ended; `good`: they are in use. */
  ended(good: boolean): void {
    this.good = good;
    this.at = Math.round(this.now() / 1000);
  }
}

/**
 * Milliseconds between two measurements. Each one wakes the process: at 10 ms they would take half a percent of a core
 * in an idle daemon, and be half of all wake-ups at 20 calls a second. A delay that ends between two measurements is
 * not noticed.
 */
const RESOLUTION_MS = 100;

/** Measures the delay of event loop iterations. */
export class EventLoopDelay {
  private histogram: IntervalHistogram | undefined;

  constructor(metrics: Metrics) {
    metrics.gauge({
      name: 'switchyard_event_loop_delay_seconds',
      help: 'Delay of the event loop since the last scrape, by quantile; 1 is the longest',
      collect: () => {
        const { histogram } = this;
        if (histogram === undefined) return [];
        const isEmpty = histogram.count === 0;
        const late = (ns: number) => (isEmpty ? 0 : Math.max(0, ns / 1e9 - RESOLUTION_MS / 1000));
        const samples = [
          [{ quantile: '0.5' }, late(histogram.percentile(50))],
          [{ quantile: '0.99' }, late(histogram.percentile(99))],
          [{ quantile: '1' }, late(histogram.max)],
        ] as const;
        histogram.reset();
        return samples;
      },
    });
  }

  /** Begins to measure. */
  start(): void {
    this.histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.histogram.enable();
  }

  /** Stops measuring and drops the results. */
  stop(): void {
    this.histogram?.disable();
    this.histogram = undefined;
  }
}

/** Registers metrics about the process and its resources. */
export function registerProcessMetrics(metrics: Metrics, version: string, startedAt: () => number): void {
  const labels = { version, node: process.version };
  metrics.gauge({
    name: 'switchyard_build_info',
    help: 'Version of the program and of Node',
    collect: () => [[labels, 1]],
  });
  metrics.gauge({
    name: 'process_start_time_seconds',
    help: 'Start time of the process, seconds since the epoch',
    collect: () => [[{}, startedAt() / 1000]],
  });
  metrics.gauge({
    name: 'process_cpu_seconds_total',
    help: 'CPU time of the process, user and system',
    type: 'counter',
    collect: () => {
      const { user, system } = process.cpuUsage();
      return [[{}, (user + system) / 1e6]];
    },
  });
}
