import type { Destination } from '../engine/destination.js';
import type { StateChange, StateSignal } from '../engine/state.js';
import type { Phase } from './heartbeat.js';
import type { ClusterHost } from './host.js';
import type { Orders } from './orders.js';
import type { Owners } from './owners.js';
import { type DestinationRecord, firstRecord, type Intent, isCommand } from './record.js';
import type { Entry } from './record-entry.js';
import type { Records } from './records.js';
import type { ClusterRows } from './rows.js';
import type { Suspicions } from './suspicions.js';
import type { Zones } from './zones.js';

/** The parts of a node that this file uses. */
export interface ChangingNode {
  readonly phase: Phase;
  readonly records: Records;
  readonly rows: ClusterRows;
  readonly zones: Zones;
  readonly orders: Orders;
  readonly owners: Owners;
  readonly suspicions: Suspicions;
  readonly options: {
    readonly node: string;
    readonly clock: { now(): number };
    readonly host: Pick<ClusterHost, 'share' | 'adopt' | 'bits'>;
  };
  guard(): void;
}

/**
 * Decides which signals count at this node, commits the resulting changes as records, and applies records to memory.
 */
export class Changes {
  constructor(private readonly node: ChangingNode) {}

  /** Whether a signal has to wait for the results of other nodes. Set by quorum.ts. */
  holds: (signal: StateSignal) => boolean = () => false;
  /** Whether a change concerns only this node. Set by quorum.ts. */
  diverts: (destination: Destination) => boolean = () => false;
  /** Whether to ignore a record because this node cannot reach the destination. Set by quorum.ts. */
  ignoresRecord: (destination: Destination, record: DestinationRecord) => boolean = () => false;
  /** Counts failures toward thresholds; undefined: not counted. */
  failures: { noted(signal: StateSignal, key: string): void } | undefined;

  /**
   * Whether a signal may change the state now. If the process was blocked for a while, the node first gives up what it
   * owns, since results from before must not count.
   */
  admits(signal: StateSignal): boolean {
    const { node } = this;
    const { destination, origin } = signal;
    if (origin !== 'probe' || node.options.host.share(destination.partition) === undefined) return true;
    node.guard();
    if (!node.owners.judges(destination)) return false;
    if (this.holds(signal)) return false;
    if (node.phase === 'ready') this.failures?.noted(signal, node.rows.keyOf(destination));
    return true;
  }

  /** A state has changed in memory; called in the order of the changes. */
  changed(change: StateChange): void {
    const { node } = this;
    const { destination, origin, signal } = change;
    const share = node.options.host.share(destination.partition);
    if (share === undefined || origin === 'cluster' || signal === undefined) return;
    if (origin === 'store' && signal.reason !== 'reload') return;
    const found = this.intentOf(change, signal);
    if (share.ownVerdict && !isCommand(found)) return;
    // An operator's change counts in every zone; results of probes count in the zone of the node.
    const everywhere = share.perZone && isCommand(found);
    const intent = everywhere ? { ...found, order: node.orders.next(destination) } : found;
    const entry = node.records.entry(node.rows.keyOf(destination));
    entry.destination ??= destination;
    const before = { state: change.previous, seq: change.edge === undefined ? change.seq : change.seq - 1 };
    if (this.diverts(destination)) return;
    if (node.suspicions.concerns(intent, destination)) node.suspicions.add(entry, destination, before);
    else {
      node.suspicions.drop(entry);
      node.records.submit(entry, intent, before);
      if (everywhere) {
        for (const elsewhere of node.zones.entriesElsewhere(destination)) {
          const { row } = destination;
          node.records.submit(elsewhere, intent, before, firstRecord(row.uri, row.socket, row.state, 0));
        }
      }
    }
  }

  /** Sets a destination's state to that of a record. */
  applyRecord(destination: Destination, record: DestinationRecord): void {
    const { health } = destination;
    if ((health.state === record.st && health.seq === record.q) || this.ignoresRecord(destination, record)) return;
    this.node.options.host.adopt(destination, record);
  }

  /** Notes in the record that this node cannot reach the destination, so that the next node probes it for a while. */
  skip(entry: Entry, destination: Destination): void {
    const reason = `${this.node.options.node}@${(entry.record?.v ?? 0) + 1}`;
    this.remark(entry, destination, 'skip', reason);
  }

  /** Notes in the record which edges are stored. */
  note(entry: Entry): void {
    if (entry.destination !== undefined) this.remark(entry, entry.destination, 'published', '');
  }

  /** Submits a note that changes no state. */
  private remark(entry: Entry, destination: Destination, kind: 'skip' | 'published', reason: string): void {
    const { state, seq } = destination.health;
    const time = this.node.options.clock.now();
    this.node.records.submit(entry, { kind, origin: 'cluster', time, reason }, { state, seq });
  }

  private intentOf(change: StateChange, signal: StateSignal): Intent {
    const { time, reason, code, cause, address, origin, state } = change;
    const bits = this.node.options.host.bits(change.destination);
    const fields = { origin, time, reason, code, cause, address, bits };
    if (signal.kind === 'success' || signal.kind === 'failure') return { kind: signal.kind, ...fields };
    // Uses the resulting state of the order, since "p" on an active destination has reached the threshold.
    return { kind: 'set', to: state, ...fields };
  }
}
