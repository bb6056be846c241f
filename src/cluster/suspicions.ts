import type { Destination, HealthState } from '../engine/destination.js';
import type { ClusterBus, ClusterCounters } from './bus.js';
import type { Phase } from './heartbeat.js';
import type { Owners } from './owners.js';
import { type DestinationRecord, firstRecord, type Intent } from './record.js';
import type { Entry } from './record-entry.js';

/**
 * Milliseconds between two requests about one destination, and maximum number of destinations for which the last one is
 * known.
 */
const INTERVAL_MS = 1000;
const MAX_SENT = 10_000;

/** The parts of a node that this file uses. */
export interface SuspectingNode {
  readonly now: number;
  readonly phase: Phase;
  readonly owners: Owners;
  readonly counters: ClusterCounters;
  readonly options: {
    readonly node: string;
    readonly bus: ClusterBus;
    readonly host: { isProbed(destination: Destination): boolean; intervalMs(): number };
  };
  readonly changes: {
    /** Sets a destination's state to that of a record. */
    applyRecord(destination: Destination, record: DestinationRecord): void;
  };
}

/**
 * Destinations whose calls fail at this node, while another node probes them. This node stops sending calls there, and
 * asks the owner to probe at once. The suspicion ends when the owner reports its result, or after two probing
 * intervals.
 */
export class Suspicions {
  private readonly standing = new Map<Entry, { readonly until: number; readonly before: DestinationRecord }>();
  private readonly sent = new Map<string, number>();

  constructor(private readonly node: SuspectingNode) {}

  /** Number of suspected destinations. */
  get size(): number {
    return this.standing.size;
  }

  /** Whether this destination is suspected. */
  has(entry: Entry): boolean {
    return this.standing.has(entry);
  }

  /** Ends a suspicion, since the owner or this node has decided. */
  drop(entry: Entry): void {
    this.standing.delete(entry);
  }

  /**
   * Whether an intent comes from failing calls to a destination that another node probes: then that node decides for
   * all.
   */
  concerns({ kind, to, origin }: Intent, destination: Destination): boolean {
    if (this.node.phase === 'alone' || (origin !== 'traffic' && origin !== 'script')) return false;
    if (kind !== 'failure' && !(kind === 'set' && to === 'probing')) return false;
    if (!this.node.options.host.isProbed(destination)) return false;
    const owner = this.node.owners.ownerOf(destination);
    return owner !== undefined && owner !== this.node.options.node;
  }

  /** Suspects a destination for two probing intervals and announces it; `state` and `seq` are those from before. */
  add(entry: Entry, destination: Destination, { state, seq }: { state: HealthState; seq: number }): void {
    const { row } = destination;
    const before = entry.record ?? this.standing.get(entry)?.before ?? firstRecord(row.uri, row.socket, state, seq);
    this.standing.set(entry, { until: this.node.now + 2 * this.node.options.host.intervalMs(), before });
    this.send(entry.key, destination);
  }

  /** Asks the owner to probe a destination at once; at most once a second. */
  send(key: string, destination: Destination): void {
    const owner = this.node.owners.ownerOf(destination);
    const { now } = this.node;
    if (owner === undefined || now - (this.sent.get(key) ?? Number.NEGATIVE_INFINITY) < INTERVAL_MS) return;
    if (this.sent.size > MAX_SENT) this.sent.clear();
    this.sent.set(key, now);
    this.node.counters.suspects++;
    this.node.options.bus.publish('suspect', owner, key);
  }

  /** Ends the suspicions that have expired at `now`, in monotonic milliseconds. */
  end(now: number): void {
    for (const [entry, { until }] of this.standing) if (until <= now) this.clear(entry);
  }

  /** The owner has probed, or does not answer: its record applies. */
  clear(entry: Entry): void {
    const before = this.standing.get(entry)?.before;
    if (before === undefined) return;
    this.standing.delete(entry);
    const { destination, record } = entry;
    if (destination !== undefined && entry.queue.length === 0)
      this.node.changes.applyRecord(destination, record ?? before);
  }
}
