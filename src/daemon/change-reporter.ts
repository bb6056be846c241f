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

/** What the reporter of changes is made with. */
export interface ChangeReporterOptions {
  readonly engine: Engine;
  readonly log: Logger;
  /** Name of this node as it is now. */
  readonly node: () => string;
  readonly ids: EventIds;
  /** Counts events by partition and status. */
  readonly raised: CounterFamily;
  readonly bus: Pick<EventBus, 'raise'>;
  /** Writes a destination's state to where others read it, if that is configured; `key` is the destination's. */
  readonly putState: ((entry: StateEntry, key: string) => void) | undefined;
  /** Says of which destinations another node publishes the events, or writes the state. */
  readonly cluster: Pick<ClusterHooks, 'shares' | 'owns'>;
}

/** Status reports kept for each partition; the oldest go first. */
const MAX_REPORTS = 200;

/** What becomes of a change of state: the log, status reports, E_DISPATCHER_STATUS, and the states others read. */
export class ChangeReporter {
  private readonly reports = new Map<string, StatusReport[]>();

  constructor(private readonly options: ChangeReporterOptions) {}

  /** Reports one change. */
  changed(change: StateChange): void {
    const { engine, log, node, ids, raised, bus, cluster, putState } = this.options;
    const { destination, state, previous, reason, origin, code, cause } = change;
    const { partition, setId, row } = destination;
    // A call under way, or a late answer, may still report a destination that was removed: that is not published.
    const present = engine.partition(partition)?.findAll(setId, row.uri) ?? [];
    if (!present.some((each) => each.health === destination.health)) return;
    const shown = maskUri(row.uri);
    const fields = { partition, set: setId, destination: shown, state, previous, reason, origin, code, cause };
    if (state === 'active') log.info(fields, `${shown} is ${state}`);
    else log.warn(fields, `${shown} is ${state}`);
    // Worded, and ended, as OpenSIPS does: tools look for it.
    const text = `DESTINATION <${shown}>, set ${setId} switched to [${state}] due to ${reason}\n`;
    this.keep(partition, { time: change.time, text });
    if (change.edge !== undefined) {
      raised.with({ partition, status: change.edge }).value++;
      const event = statusEvent(change, ids);
      bus.raise(cluster.shares(destination) ? { ...event, local: true } : event);
    }
    if (cluster.owns(destination)) putState?.(stateEntry(destination, node()), destination.key);
  }

  /** What was reported about a partition's destinations, oldest first. */
  reportsOf(partition: string): readonly StatusReport[] {
    return this.reports.get(partition) ?? [];
  }

  /** The partition is there no longer, nor are its reports. */
  forget(partition: string): void {
    this.reports.delete(partition);
  }

  /** The state of a destination as it is now. */
  entryOf(destination: Destination): StateEntry {
    return stateEntry(destination, this.options.node());
  }

  /** The states of all destinations as they are now. */
  *entries(): Generator<StateEntry> {
    const { engine, node } = this.options;
    for (const { snapshot } of engine.partitions) {
      for (const destination of destinationsOf(snapshot)) yield stateEntry(destination, node());
    }
  }

  /** An earlier run has published a destination: numbering continues, and what it left is published now. */
  resumed(entry: StateEntry, written: PublishedState | undefined, stored: PublishedState | undefined): StateEntry {
    const { engine, node } = this.options;
    const { partition, group, address, socket } = entry;
    const found = shownAs(engine, partition, group, address);
    const destination = found.find((each) => maskUri(each.row.uri) === address && each.row.socket === socket);
    // An event does not say which of the sockets it is about.
    const isOne = found.every((each) => each.health === destination?.health);
    const published = isOne && stored !== undefined && stored.seq >= (written?.seq ?? 0) ? stored : written;
    if (destination === undefined || published === undefined) return entry;
    // Numbers of a destination the nodes of a cluster share go on from its record.
    if (this.options.cluster.shares(destination)) return entry;
    engine.states.resume(destination, published);
    return stateEntry(destination, node());
  }

  /** Numbers go on from the events that an earlier run left undelivered, whether or not NATS can be reached now. */
  resumePending(events: readonly DispatcherEvent[]): void {
    const last = new Map<string, DispatcherStatusParams>();
    for (const { name, key, params } of events) {
      if (name === E_DISPATCHER_STATUS && params['node'] === this.options.node()) {
        last.set(key, params as unknown as DispatcherStatusParams);
      }
    }
    const { engine } = this.options;
    for (const [key, { partition, group, address, status, seq }] of last) {
      const destination = shownAs(engine, partition, group, address).find((each) => each.key === key);
      if (destination !== undefined) engine.states.resume(destination, { status, seq });
    }
  }

  private keep(partition: string, report: StatusReport): void {
    let reports = this.reports.get(partition);
    if (reports === undefined) this.reports.set(partition, (reports = []));
    reports.push(report);
    if (reports.length > MAX_REPORTS) reports.shift();
  }
}

/** Destinations that events name by this address: a password in it is masked. */
function shownAs(engine: Engine, partition: string, group: number, address: string): readonly Destination[] {
  const found = engine.partition(partition);
  if (found === undefined || !address.includes(':***@')) return found?.findAll(group, address) ?? [];
  const { destinations = [] } = found.snapshot.sets.get(group) ?? {};
  return destinations.filter(({ row }) => maskUri(row.uri) === address);
}
