import {
  type Delta,
  LIVE,
  type LiveRow,
  type PartitionRow,
  STATES,
  type StaticRow,
  type WireSnapshot,
} from '../server/wire.js';

/** One destination in the page. */
export interface Row {
  info: StaticRow;
  live: LiveRow;
  /** Calls per second, smoothed over some seconds. */
  rate: number;
  failRate: number;
  /** Lower-case text that is searched. */
  text: string;
}

/** A published event. */
export interface LiveEvent {
  readonly name: string;
  readonly params: Readonly<Record<string, string | number>>;
}

/** Weight of a new second in the smoothed rate. */
const SMOOTHING = 0.3;
const MAX_EVENTS = 500;

/** State of the connection to the daemon. */
export type Connection = 'connecting' | 'live' | 'lost' | 'refused';

/** All data that the pages show, updated by the daemon's event stream. */
export class Store {
  readonly rows = new Map<number, Row>();
  partitions: readonly PartitionRow[] = [];
  readonly events: LiveEvent[] = [];
  readonly audit: unknown[] = [];
  node = '';
  version = '';
  connection: Connection = 'connecting';
  /** Counts messages, so that derived data can be reused until the next one. */
  generation = 0;
  /** The daemon's clock minus the browser's, in milliseconds. */
  private skew = 0;
  private lastTime = 0;
  private readonly warm = new Set<Row>();
  private readonly listeners = new Set<() => void>();
  private source: EventSource | undefined;
  private scheduled = false;

  /** Milliseconds since the epoch by the daemon's clock. */
  now(): number {
    return Date.now() + this.skew;
  }

  /** Calls `listen` after each change. The returned function removes it. */
  subscribe(listen: () => void): () => void {
    this.listeners.add(listen);
    return () => this.listeners.delete(listen);
  }

  /** Opens the stream; the browser reconnects when it is lost. */
  connect(): void {
    this.source?.close();
    const source = new EventSource('/console/stream');
    this.source = source;
    source.addEventListener('open', () => this.set('live'));
    source.addEventListener('error', () => {
      // After an error status the browser does not reconnect; after a restart of the daemon it does.
      if (source.readyState === EventSource.CLOSED) {
        this.set('refused');
        setTimeout(() => this.source === source && this.connect(), 2000);
      } else this.set('lost');
    });
    source.addEventListener('snapshot', (message) => this.take(JSON.parse(message.data as string) as WireSnapshot));
    source.addEventListener('delta', (message) => this.change(JSON.parse(message.data as string) as Delta));
    source.addEventListener('status', (message) => {
      this.events.unshift(JSON.parse(message.data as string) as LiveEvent);
      this.events.length = Math.min(this.events.length, MAX_EVENTS);
      this.notify();
    });
    source.addEventListener('audit', (message) => {
      this.audit.unshift(JSON.parse(message.data as string));
      this.audit.length = Math.min(this.audit.length, MAX_EVENTS);
      this.notify();
    });
  }

  /** Closes the stream. */
  disconnect(): void {
    this.source?.close();
    this.source = undefined;
  }

  private set(connection: Connection): void {
    this.connection = connection;
    this.notify();
  }

  private take(snapshot: WireSnapshot): void {
    this.node = snapshot.node;
    this.version = snapshot.version;
    this.skew = snapshot.time - Date.now();
    this.lastTime = snapshot.time;
    this.partitions = snapshot.partitions;
    this.rows.clear();
    this.warm.clear();
    for (const [i, info] of snapshot.rows.entries()) this.add(info, snapshot.live[i] as LiveRow);
    this.notify();
  }

  private change({ time, live, rows, gone, partitions }: Delta): void {
    const seconds = Math.max((time - this.lastTime) / 1000, 0.2);
    this.lastTime = time;
    if (partitions !== undefined) this.partitions = partitions;
    const infos = new Map((rows ?? []).map((info) => [info.id, info]));
    const changed = new Map<Row, LiveRow>();
    for (const now of live) {
      const row = this.rows.get(now[LIVE.id]);
      const info = infos.get(now[LIVE.id]);
      if (row !== undefined) changed.set(row, now);
      else if (info !== undefined) this.add(info, now);
    }
    for (const info of infos.values()) {
      const row = this.rows.get(info.id);
      if (row !== undefined) Object.assign(row, { info, text: searchText(info) });
    }
    for (const id of gone ?? []) this.rows.delete(id);
    for (const row of new Set([...changed.keys(), ...this.warm])) {
      const now = changed.get(row) ?? row.live;
      const calls = Math.max(now[LIVE.calls] - row.live[LIVE.calls], 0) / seconds;
      const failed = Math.max(now[LIVE.failed] - row.live[LIVE.failed], 0) / seconds;
      row.rate = row.rate * (1 - SMOOTHING) + calls * SMOOTHING;
      row.failRate = row.failRate * (1 - SMOOTHING) + failed * SMOOTHING;
      row.live = now;
      if (row.rate + row.failRate > 0.02) this.warm.add(row);
      else {
        row.rate = 0;
        row.failRate = 0;
        this.warm.delete(row);
      }
    }
    this.notify();
  }

  private add(info: StaticRow, live: LiveRow): void {
    this.rows.set(info.id, { info, live, rate: 0, failRate: 0, text: searchText(info) });
  }

  private notify(): void {
    this.generation++;
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => {
      this.scheduled = false;
      for (const listen of this.listeners) listen();
    });
  }
}

function searchText({ partition, set, uri, attrs, description }: StaticRow): string {
  return `${partition} ${partition}:${set} set ${set} ${uri} ${attrs} ${description}`.toLowerCase();
}

/** The state's name: "active", "inactive" or "probing". */
export const stateOf = (row: Row): (typeof STATES)[number] => STATES[row.live[LIVE.state]] ?? 'active';

/** How urgently an operator should look at it: a higher number comes first. */
export function urgency(row: Row): number {
  const state = stateOf(row);
  if (state === 'probing') return 3;
  if (state === 'inactive') return 2;
  return row.failRate > 0.05 ? 1 : 0;
}

/** Rows that match all words, those with problems first, else by partition, set and URI. */
export function arranged(rows: Iterable<Row>, search: string, partition: string | undefined): Row[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [...rows].filter(
    (row) =>
      (partition === undefined || row.info.partition === partition) &&
      words.every((word) => row.text.includes(word) || stateOf(row) === word),
  );
  return found.sort(
    (a, b) =>
      urgency(b) - urgency(a) ||
      compare(a.info.partition, b.info.partition) ||
      a.info.set - b.info.set ||
      b.info.priority - a.info.priority ||
      a.info.id - b.info.id,
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
