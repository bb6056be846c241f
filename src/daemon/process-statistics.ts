import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { Clock } from '../core/clock.js';
import type { Statistic } from '../management/mi/dependencies.js';

/** Milliseconds between two measurements of the load. */
const READING_MS = 10_000;
/** Number of measurements kept: ten minutes. */
const READINGS = 60;

/**
 * How busy the event loop is, in percent, for OpenSIPS' statistics of the load: in the last seconds, the last minute
 * and the last ten minutes.
 */
export class EventLoopLoad {
  private readonly readings: EventLoopUtilization[] = [];
  private cancel: (() => void) | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly read: () => EventLoopUtilization = () => performance.eventLoopUtilization(),
  ) {}

  /** Measures now and at fixed intervals. */
  start(): void {
    this.readings.push(this.read());
    if (this.readings.length > READINGS) this.readings.shift();
    this.cancel = this.clock.schedule(READING_MS, () => this.start());
  }

  /** Stops measuring. */
  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
  }

  /** Percentage of time for which the event loop was busy since the `back`-th last measurement. */
  since(back: number): number {
    const { readings } = this;
    const from = readings[Math.max(0, readings.length - back)];
    if (from === undefined) return 0;
    const now = this.read();
    const active = now.active - from.active;
    const idle = now.idle - from.idle;
    return active + idle <= 0 ? 0 : Math.round((100 * active) / (active + idle));
  }

  /** The statistics load, load1m and load10m; also as sum over all processes and for process 0. */
  statistics(): readonly Statistic[] {
    const spans = [
      ['load', 1],
      ['load1m', 60_000 / READING_MS],
      ['load10m', READINGS],
    ] as const;
    return ['', '-all', '-proc-0'].flatMap((suffix) =>
      spans.map(([name, back]) => ({ group: 'load', name: name + suffix, value: () => this.since(back) })),
    );
  }
}

/** Memory of the process, under the names of OpenSIPS' shared memory statistics. */
export function memoryStatistics(): readonly Statistic[] {
  let max = 0;
  const used = (): number => {
    const { heapUsed } = process.memoryUsage();
    max = Math.max(max, heapUsed);
    return heapUsed;
  };
  const total = (): number => getHeapStatistics().heap_size_limit;
  const measured = (name: string, value: () => number): Statistic => ({ group: 'shmem', name, value });
  return [
    measured('total_size', total),
    measured('max_used_size', () => {
      used();
      return max;
    }),
    measured('free_size', () => Math.max(0, total() - used())),
    measured('used_size', used),
    measured('real_used_size', () => process.memoryUsage().rss),
    measured('fragments', () => 0),
  ];
}

/** DNS lookups, and slow ones. */
export function dnsStatistics(figures: { queries: number; slow: number }): readonly Statistic[] {
  const counted = (name: string, of: 'queries' | 'slow'): Statistic => ({
    group: 'dns',
    name,
    value: () => figures[of],
    reset: () => {
      figures[of] = 0;
    },
  });
  return [counted('dns_total_queries', 'queries'), counted('dns_slow_queries', 'slow')];
}
