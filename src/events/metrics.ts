import type { OutboxStats } from './outbox.js';

/** The functions of the metrics registry that events use. */
export interface EventMetrics {
  gauge(gauge: {
    readonly name: string;
    readonly help: string;
    readonly type?: 'gauge' | 'counter';
    readonly collect: () => Iterable<readonly [labels: Readonly<Record<string, string>>, value: number]>;
  }): void;
}

/** Exports the figures of an outbox and the state of its connection; they are read when metrics are requested. */
export function exportOutbox(
  metrics: EventMetrics,
  outbox: { stats(): OutboxStats; lag(): number },
  connected: () => boolean,
): void {
  const stats = () => outbox.stats();
  const value = (name: string, help: string, read: () => number, type: 'gauge' | 'counter' = 'gauge') =>
    metrics.gauge({ name, help, type, collect: () => [[{}, read()]] });
  const total = (name: string, help: string, read: () => number) => value(name, help, read, 'counter');
  value('switchyard_nats_connected', 'Whether the NATS connection works (1) or not (0).', () => (connected() ? 1 : 0));
  value('switchyard_outbox_depth', 'Events waiting for acknowledgement by NATS.', () => stats().depth);
  value('switchyard_outbox_lag_seconds', 'Age of the oldest event waiting.', () => outbox.lag() / 1000);
  total('switchyard_outbox_published_total', 'Events acknowledged by NATS.', () => stats().published);
  total(
    'switchyard_outbox_publish_seconds_total',
    'Seconds from an event being raised to its acknowledgement, summed over those published.',
    () => stats().waited / 1000,
  );
  total(
    'switchyard_outbox_coalesced_total',
    'Events merged into a later one because the outbox was full.',
    () => stats().coalesced,
  );
  total('switchyard_outbox_retries_total', 'Deliveries that had to be repeated.', () => stats().retries);
  total('switchyard_outbox_dropped_total', 'Events that were never delivered.', () => stats().dropped);
}

/** Exports whether the key-value bucket is up to date, and how often it was not what had been written to it. */
export function exportBucket(metrics: EventMetrics, bucket: { upToDate(): boolean; repairs(): number }): void {
  metrics.gauge({
    name: 'switchyard_bucket_up_to_date',
    help: 'Whether the bucket has all current states (1) or some are not written yet (0).',
    collect: () => [[{}, bucket.upToDate() ? 1 : 0]],
  });
  metrics.gauge({
    name: 'switchyard_bucket_repairs_total',
    help: 'How often the bucket no longer had what was written to it, and was written again.',
    type: 'counter',
    collect: () => [[{}, bucket.repairs()]],
  });
}
