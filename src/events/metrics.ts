import type { OutboxStats } from './outbox.js';

/** The part of the metrics registry that events use. */
export interface EventMetrics {
  gauge(gauge: {
    readonly name: string;
    readonly help: string;
    readonly collect: () => Iterable<readonly [labels: Readonly<Record<string, string>>, value: number]>;
  }): void;
}

/** Exports an outbox and the state of its connection; everything is read at collection time. */
export function exportOutbox(metrics: EventMetrics, stats: () => OutboxStats, connected: () => boolean): void {
  const value = (name: string, help: string, read: () => number) =>
    metrics.gauge({ name, help, collect: () => [[{}, read()]] });
  value('switchyard_nats_connected', 'Whether the NATS connection works (1) or not (0).', () => (connected() ? 1 : 0));
  value('switchyard_outbox_depth', 'Events waiting for acknowledgement by NATS.', () => stats().depth);
  value('switchyard_outbox_lag_seconds', 'Age of the oldest event waiting.', () => stats().lag / 1000);
  value('switchyard_outbox_published', 'Events acknowledged by NATS.', () => stats().published);
  value(
    'switchyard_outbox_coalesced',
    'Events merged into a later one because the outbox was full.',
    () => stats().coalesced,
  );
  value('switchyard_outbox_retries', 'Deliveries that had to be repeated.', () => stats().retries);
  value('switchyard_outbox_dropped', 'Events that were never delivered.', () => stats().dropped);
}
