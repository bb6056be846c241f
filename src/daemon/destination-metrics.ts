import type { Engine } from '../engine/engine.js';
import type { Prober } from '../probing/prober.js';
import type { TransactionLayer } from '../sip/transaction/layer.js';
import type { Metrics } from '../stats/metrics.js';
import type { PartitionRuntime } from './partition-runtime.js';

const STATE_NUMBER = { inactive: 0, active: 1, probing: 2 } as const;
/** Destinations shown one by one; with more of them only the counts per set are given. */
const MAX_LISTED = 5000;

/** Registers what is measured when somebody asks: states, partitions, transactions, probes. */
export function registerGauges(
  metrics: Metrics,
  engine: Engine,
  layer: TransactionLayer,
  runtimes: () => ReadonlyMap<string, PartitionRuntime>,
  prober: () => Prober | undefined,
): void {
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
      for (const partition of engine.partitions) {
        for (const [id, set] of partition.snapshot.sets) {
          const counts = { active: 0, inactive: 0, probing: 0 };
          for (const each of set.destinations) counts[each.health.state]++;
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
      for (const partition of engine.partitions) total += partition.snapshot.size;
      if (total > MAX_LISTED) return;
      for (const partition of engine.partitions) {
        for (const [id, set] of partition.snapshot.sets) {
          for (const { row, health } of set.destinations) {
            const labels = { partition: partition.name, set: String(id), destination: row.uri, socket: row.socket };
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
      [...runtimes().values()].map((each) => [{ partition: each.name }, each.notReady === undefined ? 1 : 0] as const),
  });
  for (const [name, help, key] of [
    ['switchyard_reloads_total', 'Loads that succeeded', 'loads'],
    ['switchyard_reload_failures_total', 'Loads that failed', 'failures'],
    ['switchyard_reload_duration_milliseconds', 'Duration of the last load', 'lastDuration'],
    ['switchyard_reload_discarded_rows', 'Rows the last load discarded', 'discarded'],
  ] as const) {
    metrics.gauge({
      name,
      help,
      collect: () => [...runtimes().values()].map((each) => [{ partition: each.name }, each.figures[key]] as const),
    });
  }
  for (const [name, help, key] of [
    ['switchyard_flush_written_total', 'States written back', 'written'],
    ['switchyard_flush_failures_total', 'Flushes that failed', 'failures'],
  ] as const) {
    metrics.gauge({
      name,
      help,
      collect: () =>
        [...runtimes().values()].map(
          (each) => [{ partition: each.name }, each.options.flusher?.counters[key] ?? 0] as const,
        ),
    });
  }
  metrics.gauge({
    name: 'switchyard_probes',
    help: 'Probes: watched destinations, in flight, queued, and totals by result',
    collect: () => {
      const figures = prober()?.figures();
      return figures === undefined ? [] : Object.entries(figures).map(([kind, value]) => [{ kind }, value] as const);
    },
  });
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
