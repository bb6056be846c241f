import { SwitchyardError } from '../core/errors.js';
import type { Engine } from '../engine/engine.js';
import type { LoadReport, Partition } from '../engine/partition.js';
import type { DispatcherControl, StatusReports } from '../management/mi/dependencies.js';
import type { Prober } from '../probing/prober.js';
import { pushScriptAttrs } from '../route/dispatcher/attributes.js';
import type { PartitionRuntime } from '../tenant/tenant.js';
import type { ChangeReporter } from './change-reporter.js';

/** Milliseconds an operator waits until a state is in the table. */
const WRITE_THROUGH_MS = 1000;
/**
 * Maximum number of commands of one partition that wait for its database. Further ones fail, so that they do not delay
 * others.
 */
const MAX_WAITING = 16;

/** Limits the commands that wait for a partition's database. */
class DatabaseWaits {
  private readonly waiting = new Map<string, number>();

  /** Throws SwitchyardError STORE_FAILED when too many are waiting. */
  async run<T>(partition: string, work: () => Promise<T>): Promise<T> {
    const count = this.waiting.get(partition) ?? 0;
    if (count >= MAX_WAITING) {
      const text = `${count} commands already wait for the database of partition "${partition}"`;
      throw new SwitchyardError('STORE_FAILED', text, { retryable: true });
    }
    this.waiting.set(partition, count + 1);
    try {
      return await work();
    } finally {
      const left = (this.waiting.get(partition) ?? 1) - 1;
      if (left === 0) this.waiting.delete(partition);
      else this.waiting.set(partition, left);
    }
  }
}

/** The functions of the dispatcher for MI commands. */
export function dispatcherControl(runtimes: ReadonlyMap<string, PartitionRuntime>, prober: Prober): DispatcherControl {
  const waits = new DatabaseWaits();
  const runtimeOf = (partition: Partition): PartitionRuntime => {
    const runtime = runtimes.get(partition.name);
    if (runtime === undefined) throw new SwitchyardError('PARTITION_UNKNOWN', `no partition "${partition.name}"`);
    return runtime;
  };
  return {
    async reload(names, request) {
      const wanted = [...runtimes.values()].filter((runtime) => names.includes(runtime.name));
      const results = await Promise.allSettled(
        wanted.map((runtime) => waits.run(runtime.name, () => runtime.reload(request))),
      );
      const reports = new Map<string, LoadReport>();
      let failure: unknown;
      results.forEach((result, i) => {
        const runtime = wanted[i] as PartitionRuntime;
        if (result.status === 'fulfilled') reports.set(runtime.name, result.value);
        else failure ??= result.reason;
      });
      if (failure !== undefined) throw failure;
      return reports;
    },
    async add(partition, row, { persist }) {
      const runtime = runtimeOf(partition);
      await waits.run(partition.name, () =>
        runtime.editRows(
          (rows) => [...rows, row],
          async ({ discarded }) => {
            if (discarded[0] !== undefined) throw new SwitchyardError('URI_INVALID', discarded[0].reason);
            if (persist) await runtime.persistRow(row);
          },
        ),
      );
    },
    async remove(partition, setId, uri, { persist }) {
      const runtime = runtimeOf(partition);
      const found = partition.findAll(setId, uri).map((destination) => destination.row);
      if (found.length === 0) return false;
      await waits.run(partition.name, async () => {
        // The destination stays if its row cannot be deleted; otherwise the next reload would bring it back.
        if (persist) await runtime.deleteRows(found);
        await runtime.editRows((rows) => {
          const gone = new Set(partition.findAll(setId, uri).map((destination) => destination.row));
          return rows.filter((row) => !gone.has(row));
        });
      });
      return true;
    },
    pushScriptAttrs(partition, attrs, ip, port, setId) {
      return pushScriptAttrs(partition.destinationsAt(ip), attrs, port, setId);
    },
    async writeThrough(partition) {
      return (await runtimes.get(partition)?.options.flusher?.writeThrough(WRITE_THROUGH_MS)) ?? true;
    },
    scriptAttrs: (destination) => destination.health.scriptAttrs,
    probe: (destination) => prober.probeNow(destination),
    probingActive: (partition) => (partition === undefined ? prober.active : prober.isActive(partition)),
    setProbingActive: (active, partition) => prober.setActive(active, partition),
  };
}

/** Status/report identifiers: each partition, and "NAME;events" for its changes (today's module documentation). */
export function statusReports(
  engine: Engine,
  runtimes: ReadonlyMap<string, PartitionRuntime>,
  changes: Pick<ChangeReporter, 'reportsOf'>,
): StatusReports {
  return {
    groups: () => [
      {
        name: 'core',
        identifiers: [{ name: 'main', partition: undefined, status: 1, details: 'running', reports: [] }],
      },
      {
        name: 'dispatcher',
        identifiers: [...engine.partitions].flatMap(({ name }) => {
          const runtime = runtimes.get(name);
          const notReady = runtime?.notReady;
          return [
            {
              name,
              partition: name,
              status: notReady === undefined ? 1 : -1,
              details: notReady ?? 'data available',
              reports: runtime?.reports ?? [],
            },
            {
              name: `${name};events`,
              partition: name,
              status: 1,
              details: undefined,
              reports: changes.reportsOf(name),
            },
          ];
        }),
      },
    ],
  };
}
