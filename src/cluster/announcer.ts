import type { Clock } from '../core/clock.js';
import { maskUri } from '../core/mask.js';
import type { Destination } from '../engine/destination.js';
import { E_DISPATCHER_STATUS } from '../events/catalogue.js';
import type { DispatcherEvent } from '../events/event.js';
import type { Edge } from './record.js';
import type { Entry } from './record-entry.js';

/** What the announcer needs. */
export interface AnnouncerOptions {
  readonly cluster: string;
  readonly clock: Clock;
  /** Whether this node publishes the events of the destination. */
  readonly owns: (destination: Destination) => boolean;
  /**
   * Publishes an event to the stream, with retries until it is stored. `since`: monotonic time from which another node
   * may have stored it already.
   */
  readonly publish: (event: DispatcherEvent, since: number | undefined) => void;
  /** Whether events of the outbox key are still waiting. */
  readonly holds: (key: string) => boolean;
  /** Requests a note in the record of which edges are stored. */
  readonly note: (entry: Entry) => void;
  readonly republished: () => void;
}

/** Milliseconds after which the note is committed on its own, instead of with the next change. */
const NOTE_AFTER_MS = 60_000;
/** With this many edges in a record the note is committed at once, so that there is room for the next ones. */
const NOTE_AT = 4;
const DAY_MS = 24 * 3600 * 1000;
/** Maximum days by which the clocks of two machines may differ; the stream is searched that much further back. */
const CLOCK_DAYS = 2;

/** A record with edges that may not be stored yet, and since when this node has known them. */
interface Unstored {
  readonly entry: Entry;
  readonly since: number;
}

/**
 * Publishes the edges of the destinations that this node owns: those in a record that are not known to be stored, in
 * order. The ID of an event is computed from the edge alone, so when two nodes publish the same edge, it is stored
 * once.
 */
export class Announcer {
  /** Records with edges that may not be stored yet, by key. */
  private readonly unpublished = new Map<string, Unstored>();
  /** By key: the last edge given to the outbox. */
  private readonly handed = new Map<string, number>();
  /** By key: the last edge that this node knows to be stored. */
  private readonly stored = new Map<string, number>();
  private readonly due = new Map<string, { readonly entry: Entry; readonly at: number }>();
  /** Keys whose edges were stored since the last report to the other nodes. */
  private readonly fresh = new Set<string>();
  /** By the destination's key in the outbox. */
  private readonly byOutboxKey = new Map<string, Entry>();

  constructor(private readonly options: AnnouncerOptions) {}

  /** Number of destinations with edges that may not be stored yet. */
  get waiting(): number {
    return this.unpublished.size;
  }

  /** The last edge of a destination that this node knows to be stored; 0 for none. */
  published(key: string): number {
    return this.stored.get(key) ?? 0;
  }

  /** Called when a newer record of a destination is known. */
  recorded(entry: Entry, taken = false): void {
    const { record, destination, key } = entry;
    if (record === undefined) return;
    const known = Math.max(record.told, this.stored.get(key) ?? 0);
    if (!record.ev.some((edge) => edge.q > known)) {
      this.unpublished.delete(key);
      if (record.ev.length === 0) this.due.delete(key);
      return;
    }
    const since = this.unpublished.get(key)?.since ?? this.options.clock.monotonic();
    this.unpublished.set(key, { entry, since });
    if (destination === undefined || !this.options.owns(destination)) return;
    for (const edge of record.ev) {
      if (edge.q <= Math.max(known, this.handed.get(key) ?? 0)) continue;
      this.handed.set(key, edge.q);
      this.byOutboxKey.set(destination.key, entry);
      if (taken) this.options.republished();
      const before = edge.q <= entry.readSeq ? this.ageOf(edge) : taken ? since : undefined;
      this.options.publish(edgeEvent(this.options.cluster, destination, key, edge), before);
    }
  }

  /** Called when owners have changed: publishes what the earlier owners may not have published. */
  ownershipChanged(): void {
    for (const { entry } of this.unpublished.values()) this.recorded(entry, true);
  }

  /** Called when the last event of an outbox key has left the outbox. */
  settled(outboxKey: string): void {
    const entry = this.byOutboxKey.get(outboxKey);
    if (entry === undefined || this.options.holds(outboxKey)) return;
    this.byOutboxKey.delete(outboxKey);
    const { key, record } = entry;
    const handed = this.handed.get(key) ?? 0;
    this.handed.delete(key);
    this.stored.set(key, Math.max(handed, this.stored.get(key) ?? 0));
    this.fresh.add(key);
    this.unpublished.delete(key);
    if (record?.ev.some((edge) => edge.q > handed) === true) this.recorded(entry);
    this.noteLater(entry, (record?.ev.length ?? 0) >= NOTE_AT ? 0 : NOTE_AFTER_MS);
  }

  /** The keys and edges found to be stored since the last call, for the other nodes. */
  takeFresh(max: number): (readonly [key: string, edge: number])[] {
    const list: (readonly [string, number])[] = [];
    for (const key of this.fresh) {
      if (list.length >= max) break;
      this.fresh.delete(key);
      list.push([key, this.stored.get(key) ?? 0]);
    }
    return list;
  }

  /** Another node reports that an edge is stored: if this node becomes the owner, it need not publish it. */
  edgeStored(key: string, edge: number): void {
    const entry = this.unpublished.get(key)?.entry;
    const last = entry?.record?.ev.at(-1)?.q ?? 0;
    if (entry === undefined || edge > last) return;
    this.stored.set(key, Math.max(edge, this.stored.get(key) ?? 0));
    if (edge === last) this.unpublished.delete(key);
    this.noteLater(entry, NOTE_AFTER_MS);
  }

  /** Destinations owned by this node whose records do not yet say what is stored. */
  *unnoted(): Generator<Entry> {
    for (const { entry } of this.due.values()) if (this.needsNote(entry) && this.isOwn(entry)) yield entry;
  }

  /** Call it about once a second. */
  tick(): void {
    const now = this.options.clock.monotonic();
    for (const [key, { entry, at }] of this.due) {
      if (at > now) continue;
      this.due.delete(key);
      if (!this.needsNote(entry)) continue;
      if (this.isOwn(entry)) this.options.note(entry);
      // The owner writes the note; this node does so later in case the owner dies.
      else this.noteLater(entry, NOTE_AFTER_MS);
    }
  }

  private noteLater(entry: Entry, wait: number): void {
    const at = this.options.clock.monotonic() + wait;
    const known = this.due.get(entry.key);
    if (known === undefined || known.at > at) this.due.set(entry.key, { entry, at });
  }

  private needsNote({ key, record }: Entry): boolean {
    return record !== undefined && record.ev.length > 0 && record.told < this.published(key);
  }

  private isOwn({ destination }: Entry): boolean {
    return destination !== undefined && this.options.owns(destination);
  }

  /**
   * The monotonic time from which an edge read from the bucket may have been stored. The clock of the node that decided
   * it may differ from ours. Rounded to whole days, so that one search of the stream answers for many edges.
   */
  private ageOf({ t }: Edge): number {
    const { clock } = this.options;
    const age = Math.max(0, clock.now() - Date.parse(t)) || 0;
    return clock.monotonic() - (Math.ceil(age / DAY_MS) + CLOCK_DAYS) * DAY_MS;
  }
}

/** The E_DISPATCHER_STATUS event of an edge. Every node makes the same event with the same ID. */
function edgeEvent(cluster: string, destination: Destination, key: string, edge: Edge): DispatcherEvent {
  const id = eventId(cluster, key, edge.g, edge.q);
  const { partition, setId, row } = destination;
  const params = {
    partition,
    group: setId,
    address: edge.a ?? maskUri(row.uri),
    status: edge.st,
    reason: edge.r,
    previous: edge.pv,
    state: edge.s,
    code: edge.c,
    cause: edge.x,
    seq: edge.q,
    time: edge.t,
    node: edge.n,
    id,
  };
  return { name: E_DISPATCHER_STATUS, params, key: destination.key, id, subject: [partition, String(setId)] };
}

/** "<cluster>:<hash of the key>:<generation>:<seq>" */
function eventId(cluster: string, key: string, generation: string, seq: number): string {
  return `${cluster}:${key.slice(key.lastIndexOf('.') + 1)}:${generation}:${seq}`;
}
