import type { Logger } from '../core/logger.js';
import { maskUri } from '../core/mask.js';
import type { Destination } from '../engine/destination.js';
import type { Engine } from '../engine/engine.js';
import { destinationsOf } from '../engine/set.js';
import type { PublishedState, StateChange } from '../engine/state.js';
import type { EventBus } from '../events/bus.js';
import { E_DISPATCHER_STATUS, type EventIds, statusEvent } from '../events/catalogue.js';
import type { DispatcherEvent, DispatcherStatusParams } from '../events/event.js';
import { type StateEntry, stateEntry } from '../events/state-entry.js';
import type { StatusReport } from '../management/mi/dependencies.js';
import type { CounterFamily } from '../stats/metrics.js';
import type { ClusterHooks } from './cluster-hooks.js';

/** What the reporter of changes needs. */
export interface ChangeReporterOptions {
  readonly engine: Engine;
  readonly log: Logger;
  /** The current name of this node. */
  readonly node: () => string;
  readonly ids: EventIds;
  /** Counts events by partition and status. */
  readonly raised: CounterFamily;
  readonly bus: Pick<EventBus, 'raise'>;
  /** Writes a destination's state to the NATS bucket, if configured; `key` is the destination's. */
  readonly putState: ((entry: StateEntry, key: string) => void) | undefined;
  /** Whether another node publishes a destination's events or writes its state. */
  readonly cluster: Pick<ClusterHooks, 'shares' | 'owns'>;
}

/** Status reports kept for each partition; the oldest are removed first. */
const MAX_REPORTS = 200;

/** Reports state changes: to the log, as status reports, as E_DISPATCHER_STATUS events, and to the NATS bucket. */
export class ChangeReporter {
  private readonly reports = new Map<string, StatusReport[]>();

  constructor(private readonly options: ChangeReporterOptions) {}

  /** Reports one change. */
  changed(change: StateChange): void {
    const { engine, log, node, ids, raised, bus, cluster, putState } = this.options;
    const { destination, state, previous, reason, origin, code, cause } = change;
    const { partition, setId, row } = destination;
    // A call in progress, or a late answer, may report a destination that was removed; that is not published.
    const present = engine.partition(partition)?.findAll(setId, row.uri) ?? [];
    if (!present.some((each) => each.health === destination.health)) return;
    const shown = maskUri(row.uri);
    const fields = { partition, set: setId, destination: shown, state, previous, reason, origin, code, cause };
    if (state === 'active') log.info(fields, `${shown} is ${state}`);
    else log.warn(fields, `${shown} is ${state}`);
    // The wording and the line break are those of OpenSIPS, since tools search for them.
    const text = `DESTINATION <${shown}>, set ${setId} switched to [${state}] due to ${reason}\n`;
    this.keep(partition, { time: change.time, text });
    if (change.edge !== undefined) {
      raised.with({ partition, status: change.edge }).value++;
      const event = statusEvent(change, ids);
      bus.raise(cluster.shares(destination) ? { ...event, local: true } : event);
    }
    if (cluster.owns(destination)) putState?.(stateEntry(destination, node()), destination.key);
  }

  /** The reports about a partition's destinations, oldest first. */
  reportsOf(partition: string): readonly StatusReport[] {
    return this.reports.get(partition) ?? [];
  }

  /** Removes the reports of a partition that was removed. */
  forget(partition: string): void {
    this.reports.delete(partition);
  }

  /** The current entry of a destination. */
  entryOf(destination: Destination): StateEntry {
    return stateEntry(destination, this.options.node());
  }

  /** The current entries of all destinations. */
  *entries(): Generator<StateEntry> {
    const { engine, node } = this.options;
    for (const { snapshot } of engine.partitions) {
      for (const destination of destinationsOf(snapshot)) yield stateEntry(destination, node());
    }
  }

  /**
   * Continues the event numbers that an earlier run has published for a destination; a change that it did not publish
   * is published now.
   */
  resumed(entry: StateEntry, written: PublishedState | undefined, stored: PublishedState | undefined): StateEntry {
    const { engine, node } = this.options;
    const { partition, group, address, socket } = entry;
    const found = shownAs(engine, partition, group, address);
    const destination = found.find((each) => maskUri(each.row.uri) === address && each.row.socket === socket);
    // An event does not say which of several sockets it is about.
    const isOne = found.every((each) => each.health === destination?.health);
    const published = isOne && stored !== undefined && stored.seq >= (written?.seq ?? 0) ? stored : written;
    if (destination === undefined || published === undefined) return entry;
    // In a cluster, numbers continue from the shared record.
    if (this.options.cluster.shares(destination)) return entry;
    engine.states.resume(destination, published);
    return stateEntry(destination, node());
  }

  /**
   * Continues event numbers from the events of an earlier run that are kept on disk, also while NATS is unreachable:
   * from the undelivered events, or, for other destinations, from the last `delivered` one.
   */
  resumePending(events: readonly DispatcherEvent[], delivered = false): void {
    const last = new Map<string, DispatcherStatusParams>();
    for (const { name, key, params } of events) {
      if (name === E_DISPATCHER_STATUS && params['node'] === this.options.node()) {
        last.set(key, params as unknown as DispatcherStatusParams);
      }
    }
    if (last.size === 0) return;
    const { engine, cluster } = this.options;
    // By destination, not by event: searching for a destination that is no longer in the table takes time.
    for (const { snapshot } of engine.partitions) {
      for (const destination of destinationsOf(snapshot)) {
        const published = last.get(destination.key);
        if (published === undefined || (delivered && cluster.shares(destination))) continue;
        engine.states.resume(destination, { status: published.status, seq: published.seq });
      }
    }
  }

  private keep(partition: string, report: StatusReport): void {
    let reports = this.reports.get(partition);
    if (reports === undefined) this.reports.set(partition, (reports = []));
    reports.push(report);
    if (reports.length > MAX_REPORTS) reports.shift();
  }
}

/** The destinations that events name by this address, in which a password is masked. */
function shownAs(engine: Engine, partition: string, group: number, address: string): readonly Destination[] {
  const found = engine.partition(partition);
  if (found === undefined || !address.includes(':***@')) return found?.findAll(group, address) ?? [];
  const { destinations = [] } = found.snapshot.sets.get(group) ?? {};
  return destinations.filter(({ row }) => maskUri(row.uri) === address);
}
