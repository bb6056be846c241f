import { maskUri } from '../core/mask.js';
import type { Engine } from '../engine/engine.js';
import type { EventPublisher } from '../events/publisher.js';
import type { Prober, ProberFigures } from '../probing/prober.js';
import type { TransactionLayer } from '../sip/transaction/layer.js';
import type { Metrics } from '../stats/metrics.js';
import type { PartitionRuntime } from '../tenant/tenant.js';

const STATE_NUMBER = { inactive: 0, active: 1, probing: 2 } as const;
/** Maximum number of destinations with metrics of their own; with more, only counts per set are exported. */
const MAX_LISTED = 5000;
/** Destinations counted per event loop iteration. */
const COUNTED_PER_ITERATION = 2000;

/** The sources of the gauges. */
export interface Measured {
  readonly engine: Engine;
  readonly layer: TransactionLayer;
  readonly runtimes: ReadonlyMap<string, PartitionRuntime>;
  readonly prober: Prober;
  readonly publisher: Pick<EventPublisher, 'stats'>;
}

/**
 * Registers metrics that are measured when they are requested. By them operators find what was lost or late:
 *
 *   states      switchyard_destinations                    by partition, set and state
 *               switchyard_destination_state               each destination: 0 inactive, 1 active, 2 probing
 *   events      switchyard_events_total                    raised, by partition and status
 *               switchyard_nats_connected                  1 connected, 0 not
 *               switchyard_outbox_depth                    events waiting for NATS
 *               switchyard_outbox_lag_seconds              age of the oldest one
 *               switchyard_outbox_published_total          events acknowledged by NATS
 *               switchyard_outbox_publish_seconds_total    sum of the times from raising to acknowledgement
 *               switchyard_outbox_retries_total            deliveries repeated
 *               switchyard_outbox_coalesced_total          events merged because the outbox was full
 *               switchyard_outbox_dropped_total            events that were dropped
 *               switchyard_bucket_up_to_date               1 or 0: all states are in the bucket
 *               switchyard_bucket_repairs_total            how often it lacked what had been written
 *               switchyard_event_subscribers               subscribers by event_subscribe
 *               switchyard_event_subscriber_queue          events waiting for them
 *               switchyard_event_subscriber_dropped_total  events dropped for them
 *   write-back  switchyard_flush_written_total             states written to tables
 *               switchyard_flush_failures_total            attempts that failed
 *               switchyard_flush_lag_seconds               age of the oldest state not written
 *               switchyard_flush_pending                   states not written
 *   reload      switchyard_partition_ready                 1 loaded, 0 not
 *               switchyard_reloads_total                   loads that succeeded
 *               switchyard_reload_failures_total           loads that failed
 *               switchyard_reload_duration_seconds         of the last load
 *               switchyard_reload_last_success_timestamp_seconds
 *               switchyard_reload_discarded_rows           by the last load
 *   probing     switchyard_probes_watched                  destinations that may be probed
 *               switchyard_probes_in_flight                probes without an answer so far
 *               switchyard_probes_queued                   probes that wait because too many are in flight
 *               switchyard_probes_sent_total
 *               switchyard_probe_results_total             by partition and result
 *               switchyard_probe_timeouts_total            no answer within ds_ping_timeout
 *               switchyard_probes_late_total               probes left out because the previous one was still in flight
 *               switchyard_probes_stale_total              answers ignored because their destination was removed or reloaded
 */
export function registerGauges(metrics: Metrics, { engine, layer, runtimes, prober, publisher }: Measured): void {
  metrics.gauge({
    name: 'switchyard_transactions',
    help: 'Transactions in memory',
    collect: () => [
      [{ kind: 'server' }, layer.serverCount],
      [{ kind: 'client' }, layer.clientCount],
      [{ kind: 'unanswered' }, layer.unanswered],
    ],
  });
  metrics.gauge({
    name: 'switchyard_destinations',
    help: 'Destinations by partition, set and state',
    collect: function* () {
      let seen = 0;
      // A copy, since collecting takes several event loop iterations; a partition redefined meanwhile must not be
      // counted twice.
      for (const partition of [...engine.partitions]) {
        for (const [id, set] of partition.snapshot.sets) {
          const counts = { active: 0, inactive: 0, probing: 0 };
          for (const each of set.destinations) {
            counts[each.health.state]++;
            if (++seen % COUNTED_PER_ITERATION === 0) yield undefined;
          }
          for (const state of ['active', 'inactive', 'probing'] as const) {
            yield [{ partition: partition.name, set: String(id), state }, counts[state]] as const;
          }
        }
      }
    },
  });
  metrics.gauge({
    name: 'switchyard_destination_state',
    help: 'State of each destination: 0 inactive, 1 active, 2 probing',
    collect: function* () {
      let total = 0;
      const partitions = [...engine.partitions];
      for (const partition of partitions) total += partition.snapshot.size;
      if (total > MAX_LISTED) return;
      for (const partition of partitions) {
        for (const [id, set] of partition.snapshot.sets) {
          for (const { row, health } of set.destinations) {
            const labels = {
              partition: partition.name,
              set: String(id),
              destination: maskUri(row.uri),
              socket: row.socket,
            };
            yield [labels, STATE_NUMBER[health.state]] as const;
          }
        }
      }
    },
  });
  metrics.gauge({
    name: 'switchyard_partition_ready',
    help: 'Whether a partition has been loaded: 1 or 0',
    collect: () =>
      [...runtimes.values()].map((each) => [{ partition: each.name }, each.notReady === undefined ? 1 : 0] as const),
  });
  const perPartition = (
    name: string,
    help: string,
    type: 'gauge' | 'counter',
    read: (each: PartitionRuntime) => number,
  ) =>
    metrics.gauge({
      name,
      help,
      type,
      collect: () => [...runtimes.values()].map((each) => [{ partition: each.name }, read(each)] as const),
    });
  perPartition('switchyard_reloads_total', 'Loads that succeeded', 'counter', ({ figures }) => figures.loads);
  perPartition('switchyard_reload_failures_total', 'Loads that failed', 'counter', ({ figures }) => figures.failures);
  perPartition(
    'switchyard_reload_duration_seconds',
    'Duration of the last load',
    'gauge',
    ({ figures }) => figures.lastDuration / 1000,
  );
  perPartition(
    'switchyard_reload_last_success_timestamp_seconds',
    'When a load last succeeded, seconds since the epoch; 0 for never',
    'gauge',
    ({ figures }) => figures.lastSuccess / 1000,
  );
  perPartition(
    'switchyard_reload_discarded_rows',
    'Rows the last load discarded',
    'gauge',
    ({ figures }) => figures.discarded,
  );
  const flusher = ({ options }: PartitionRuntime) => options.flusher;
  perPartition(
    'switchyard_flush_written_total',
    'States written back',
    'counter',
    (each) => flusher(each)?.counters.written ?? 0,
  );
  perPartition(
    'switchyard_flush_failures_total',
    'Attempts to write states back that failed',
    'counter',
    (each) => flusher(each)?.counters.failures ?? 0,
  );
  perPartition(
    'switchyard_flush_lag_seconds',
    'Age of the oldest state not written back',
    'gauge',
    (each) => (flusher(each)?.lagMs ?? 0) / 1000,
  );
  perPartition(
    'switchyard_flush_pending',
    'States not written back',
    'gauge',
    (each) => flusher(each)?.pendingCount ?? 0,
  );
  for (const [name, help, key, type] of PROBES) {
    metrics.gauge({
      name,
      help,
      type,
      collect: () => [[{}, prober.figures()[key]]],
    });
  }
  for (const [name, help, key, type] of SUBSCRIBERS) {
    metrics.gauge({ name, help, type, collect: () => [[{}, publisher.stats()[key]]] });
  }
  metrics.gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory',
    collect: () => [[{}, process.memoryUsage.rss()]],
  });
  metrics.gauge({
    name: 'nodejs_heap_used_bytes',
    help: 'Used heap',
    collect: () => [[{}, process.memoryUsage().heapUsed]],
  });
}

type Row<K> = readonly [name: string, help: string, key: K, type: 'gauge' | 'counter'];

const PROBES: readonly Row<keyof ProberFigures>[] = [
  ['switchyard_probes_watched', 'Destinations that the prober probes', 'watched', 'gauge'],
  ['switchyard_probes_in_flight', 'Probes sent and not answered yet', 'inFlight', 'gauge'],
  ['switchyard_probes_queued', 'Probes waiting because too many are in flight', 'queued', 'gauge'],
  ['switchyard_probes_sent_total', 'Probes sent', 'sent', 'counter'],
  ['switchyard_probe_timeouts_total', 'Probes without a reply in time', 'timeouts', 'counter'],
  ['switchyard_probes_late_total', 'Probes skipped because the one before was still in progress', 'skipped', 'counter'],
  [
    'switchyard_probes_stale_total',
    'Replies to probes dropped because their destination was removed or reloaded',
    'stale',
    'counter',
  ],
];

const SUBSCRIBERS: readonly Row<'subscribers' | 'depth' | 'dropped'>[] = [
  ['switchyard_event_subscribers', 'Subscribers by event_subscribe', 'subscribers', 'gauge'],
  ['switchyard_event_subscriber_queue', 'Events waiting for subscribers', 'depth', 'gauge'],
  ['switchyard_event_subscriber_dropped_total', 'Events dropped for subscribers', 'dropped', 'counter'],
];
