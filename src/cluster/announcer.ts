import type { Clock } from '../core/clock.js';
import { maskUri } from '../core/mask.js';
import type { Destination } from '../engine/destination.js';
import { E_DISPATCHER_STATUS } from '../events/catalogue.js';
import type { DispatcherEvent } from '../events/event.js';
import type { Edge } from './record.js';
import type { Entry } from './record-entry.js';

/** What an announcer of changes is made with. */
export interface AnnouncerOptions {
  readonly cluster: string;
  readonly clock: Clock;
  /** Whether this node is the one that publishes events of the destination. */
  readonly owns: (destination: Destination) => boolean;
  /**
   * Hands an event to the stream; it is retried until it is stored. `since`: monotonic time from which somebody may have
   * stored it already, where that is possible.
   */
  readonly publish: (event: DispatcherEvent, since: number | undefined) => void;
  /** Whether events of the key are still on their way. */
  readonly holds: (key: string) => boolean;
  /** The record is due for a note of which edges are stored. */
  readonly note: (entry: Entry) => void;
  readonly republished: () => void;
}

/** Milliseconds after which the note is committed on its own. */
const NOTE_AFTER_MS = 60_000;
/** Edges in a record that make the note due at once: there must be room for the next ones. */
const NOTE_AT = 4;
const DAY_MS = 24 * 3600 * 1000;
/** Days the clocks of two machines may differ, for how far back the stream is searched. */
const CLOCK_DAYS = 2;

/** A record with edges not known to be stored, and since when this node has known them. */
interface Unstored {
  readonly entry: Entry;
  readonly since: number;
}

/**
 * Publishes the edges of the destinations this node owns: those of a record that are not known to be stored, in their
 * order. An event's id follows from the fact alone, so two nodes that publish one edge store it once.
 */
export class Announcer {
  /** Keys with edges not known to be stored. */
  private readonly unpublished = new Map<string, Unstored>();
  /** By key: the last edge handed to the outbox. */
  private readonly handed = new Map<string, number>();
  /** By key: the last edge known here to be stored. */
  private readonly stored = new Map<string, number>();
  private readonly due = new Map<string, { readonly entry: Entry; readonly at: number }>();
  /** Keys stored since the last report to the other nodes. */
  private readonly fresh = new Set<string>();
  /** By the destination's key in the outbox. */
  private readonly byOutboxKey = new Map<string, Entry>();

  constructor(private readonly options: AnnouncerOptions) {}

  /** Destinations with edges this node does not know to be stored. */
  get waiting(): number {
    return this.unpublished.size;
  }

  /** Number of the last edge of this destination that is known here to be stored; 0 for none. */
  published(key: string): number {
    return this.stored.get(key) ?? 0;
  }

  /** A newer record is known. */
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

  /** Ownership has changed: what the owner before may not have published is published. */
  ownershipChanged(): void {
    for (const { entry } of this.unpublished.values()) this.recorded(entry, true);
  }

  /** The last event of an outbox key has left it. */
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

  /** What has come to be known as stored since the last call: keys and edges, for the other nodes. */
  takeFresh(most: number): (readonly [key: string, edge: number])[] {
    const list: (readonly [string, number])[] = [];
    for (const key of this.fresh) {
      if (list.length >= most) break;
      this.fresh.delete(key);
      list.push([key, this.stored.get(key) ?? 0]);
    }
    return list;
  }

  /** Another node says that an edge is stored: should its destination come here, it need not be published again. */
  heardStored(key: string, edge: number): void {
    const entry = this.unpublished.get(key)?.entry;
    const last = entry?.record?.ev.at(-1)?.q ?? 0;
    if (entry === undefined || edge > last) return;
    this.stored.set(key, Math.max(edge, this.stored.get(key) ?? 0));
    if (edge === last) this.unpublished.delete(key);
    this.noteLater(entry, NOTE_AFTER_MS);
  }

  /** Destinations this node owns whose records do not say yet what is stored. */
  *unnoted(): Generator<Entry> {
    for (const { entry } of this.due.values()) if (this.lacksNote(entry) && this.isOwn(entry)) yield entry;
  }

  /** To be called every second or so. */
  tick(): void {
    const now = this.options.clock.monotonic();
    for (const [key, { entry, at }] of this.due) {
      if (at > now) continue;
      this.due.delete(key);
      if (!this.lacksNote(entry)) continue;
      if (this.isOwn(entry)) this.options.note(entry);
      // Its owner does it; should that one die before, this node knows what is stored.
      else this.noteLater(entry, NOTE_AFTER_MS);
    }
  }

  private noteLater(entry: Entry, wait: number): void {
    const at = this.options.clock.monotonic() + wait;
    const known = this.due.get(entry.key);
    if (known === undefined || known.at > at) this.due.set(entry.key, { entry, at });
  }

  private lacksNote({ key, record }: Entry): boolean {
    return record !== undefined && record.ev.length > 0 && record.told < this.published(key);
  }

  private isOwn({ destination }: Entry): boolean {
    return destination !== undefined && this.options.owns(destination);
  }

  /**
   * Monotonic time from which an edge may have been stored that was read from the bucket. The clock of the machine that
   * decided it may differ from this one's; whole days, so that one look at the stream answers for many.
   */
  private ageOf({ t }: Edge): number {
    const { clock } = this.options;
    const age = Math.max(0, clock.now() - Date.parse(t)) || 0;
    return clock.monotonic() - (Math.ceil(age / DAY_MS) + CLOCK_DAYS) * DAY_MS;
  }
}

/** The E_DISPATCHER_STATUS event of an edge; the same, and with the same id, whichever node makes it. */
export function edgeEvent(cluster: string, destination: Destination, key: string, edge: Edge): DispatcherEvent {
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
