import type { Destination } from '../engine/destination.js';
import { type DestinationRecord, isNewer, type Order } from './record.js';
import type { Entry } from './record-entry.js';
import type { Records } from './records.js';
import { type ClusterRows, inZone, withoutZone } from './rows.js';
import type { Zones } from './zones.js';

/** The parts of a node that this file uses. */
export interface OrderedNode {
  readonly isOpen: boolean;
  readonly isIn: boolean;
  readonly records: Records;
  readonly rows: ClusterRows;
  readonly zones: Zones;
  readonly owners: { owns(destination: Destination): boolean };
  readonly options: {
    readonly node: string;
    readonly settings: { readonly zone: string };
    readonly clock: { now(): number };
  };
  sharesByZone(destination: Destination): boolean;
}

/**
 * Handles operators' orders where each zone has records of its own (`"verdict": "zone"`). The node that gets an order
 * writes it to the record of each zone it knows. It may die before it has finished, or not know a zone; so the owner in
 * each zone also takes over newer orders from the records of other zones. Orders are numbered over all zones, so that
 * in the end all zones have the same one, in whatever order they arrive.
 */
export class Orders {
  /** Keys of this zone's records with an older order than a record of another zone, and the newer order. */
  private readonly outdated = new Map<string, { readonly order: Order; readonly reason: string }>();

  constructor(private readonly node: OrderedNode) {}

  /** The number for a new order: greater than all that are known here. */
  next(destination: Destination): { readonly n: number; readonly w: string } {
    const { records, rows, zones, options } = this.node;
    let n = 0;
    for (const { record, queue } of [records.entry(rows.keyOf(destination)), ...zones.entriesElsewhere(destination)]) {
      n = Math.max(n, record?.z?.n ?? 0);
      for (const { order } of queue) n = Math.max(n, order?.n ?? 0);
    }
    return { n: n + 1, w: options.node };
  }

  /** A record has changed, of this zone or another. */
  recorded({ key, record }: Entry): void {
    const order = record?.z;
    const { records, rows, options } = this.node;
    if (order === undefined) return;
    const own = inZone(withoutZone(key), options.settings.zone);
    if (own === key) return;
    const destination = rows.find(own);
    if (destination === undefined || !this.node.sharesByZone(destination)) return;
    if (!isNewer(order, records.entry(own).record?.z)) return;
    const known = this.outdated.get(own);
    if (known !== undefined && !isNewer(order, known.order)) return;
    this.outdated.set(own, { order, reason: (record as DestinationRecord).r });
    this.follow(own);
  }

  /** Applies orders of other zones to destinations that this node owns. Call it every second. */
  tick(): void {
    for (const key of this.outdated.keys()) this.follow(key);
  }

  private follow(key: string): void {
    const { node } = this;
    const destination = node.rows.find(key);
    const known = this.outdated.get(key);
    if (destination === undefined || known === undefined) {
      this.outdated.delete(key);
      return;
    }
    const entry = node.records.entry(key);
    const { order, reason } = known;
    if (!isNewer(order, entry.record?.z)) {
      this.outdated.delete(key);
      return;
    }
    if (!node.isIn || !node.isOpen || entry.queue.length > 0 || !node.owners.owns(destination)) return;
    const { state, seq } = destination.health;
    const time = node.options.clock.now();
    node.records.submit(entry, { kind: 'set', to: order.st, origin: 'mi', time, reason, order }, { state, seq });
  }
}
