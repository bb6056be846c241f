import type { Destination } from '../engine/destination.js';
import type { StateChange, StateSignal } from '../engine/state.js';
import type { Phase } from './heartbeat.js';
import type { ClusterHost } from './host.js';
import type { Orders } from './orders.js';
import type { Owners } from './owners.js';
import { type DestinationRecord, firstRecord, type Intent, isWord } from './record.js';
import type { Entry } from './record-entry.js';
import type { Records } from './records.js';
import type { ClusterRows } from './rows.js';
import type { Suspicions } from './suspicions.js';
import type { Zones } from './zones.js';

/** What of a node the changes of states need. */
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

/** From a signal to a record and back: which signals count here, and what is committed of a change. */
export class Changes {
  constructor(private readonly node: ChangingNode) {}

  /** Whether a signal has to wait for what others find. Set by the part that asks them. */
  holds: (signal: StateSignal) => boolean = () => false;
  /** Whether a change is for this node alone. Set by the part that knows. */
  diverts: (destination: Destination) => boolean = () => false;
  /** Whether a record does not count here, since this node cannot reach the destination. Set by the part that knows. */
  keepsOut: (destination: Destination, record: DestinationRecord) => boolean = () => false;
  /** Failures counted toward thresholds. Set by the part that counts. */
  failures: { noted(signal: StateSignal, key: string): void } | undefined;

  /**
   * Whether a signal may change memory now. Everything this node owns by being alive is given up here first when it has
   * stood still: verdicts of before the standstill must not count.
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
    if (share.ownVerdict && !isWord(found)) return;
    // What an operator says counts in every zone; what probes find, in their own.
    const everywhere = share.perZone && isWord(found);
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

  /** Brings a destination's state to a record. */
  bring(destination: Destination, record: DestinationRecord): void {
    const { health } = destination;
    if ((health.state === record.st && health.seq === record.q) || this.keepsOut(destination, record)) return;
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

  /** Submits what changes no state. */
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
    // The resulting state of the order: "p" on an active destination has reached the threshold.
    return { kind: 'set', to: state, ...fields };
  }
}
