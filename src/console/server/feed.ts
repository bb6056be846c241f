import type { ServerResponse } from 'node:http';
import { type Rights, sees } from '../../access/rights.js';
import type { Clock } from '../../core/clock.js';
import type { LiveRow, PartitionRow, StaticRow } from './wire.js';

/** A destination at one moment. */
export interface RowPair {
  readonly row: StaticRow;
  readonly live: LiveRow;
}

/** The data that the feed reads at each tick. */
export interface FeedSource {
  readonly node: string;
  readonly version: string;
  partitions(): readonly PartitionRow[];
  /** All destinations of all partitions. */
  rows(): Iterable<RowPair>;
}

/** Milliseconds between two messages. */
export const FEED_MS = 1000;
/** Rows handled in one event loop iteration: about a millisecond. */
const SLICE = 400;
/** Messages kept for readers that were disconnected for a moment. */
const KEPT = 60;
/**
 * Maximum number of unread bytes of a reader, besides its snapshot. Beyond that its stream is ended; it then reconnects
 * and gets a snapshot.
 */
const MAX_UNREAD = 1024 * 1024;
/** Maximum number of readers. */
const MAX_READERS = 100;

interface Reader {
  readonly response: ServerResponse;
  readonly rights: Rights;
  /** Unread bytes allowed now: a slow connection needs longer than a tick for a snapshot. */
  allowed: number;
}

/** What readers know about a destination; the texts are JSON. */
interface Entry {
  readonly partition: string;
  live: string;
  row: StaticRow;
  rowText: string;
}

type Texts = Map<string, string[]>;

/** The changes of one tick by partition, so that each reader gets only those it may see. */
interface Tick {
  readonly number: number;
  readonly time: number;
  readonly live: Texts;
  readonly rows: Texts;
  readonly gone: Texts;
  readonly partitions: readonly PartitionRow[] | undefined;
}

/**
 * Server-sent events for the open pages: first a snapshot, then once a second the changes, numbered. Nothing runs
 * without readers. Readers who may see the same partitions get the same message, which is made once.
 */
export class Feed {
  private readonly readers = new Set<Reader>();
  private ticks: Tick[] = [];
  private number = 0;
  private cancel: (() => void) | undefined;
  private readonly known = new Map<number, Entry>();
  private partitions = '';
  /** Ticks and snapshots, one after the other. */
  private jobs: Promise<void> = Promise.resolve();

  constructor(
    private readonly source: FeedSource,
    private readonly clock: Clock,
    /** Distinguishes the message numbers of this process from those of an earlier one. */
    private readonly boot: string,
    /** Resolves in the next event loop iteration. */
    private readonly pause: () => Promise<void>,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Number of open pages. */
  get size(): number {
    return this.readers.size;
  }

  /**
   * Adds a reader. `lastId`: the last message its browser has received; it gets the missed messages if they are still
   * kept, else a snapshot. Returns false when there are too many readers.
   */
  open(response: ServerResponse, rights: Rights, lastId: string | undefined): boolean {
    if (this.readers.size >= MAX_READERS) return false;
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    });
    response.flushHeaders();
    const reader: Reader = { response, rights, allowed: MAX_UNREAD };
    const first = this.readers.size === 0;
    let open = true;
    response.once('close', () => {
      open = false;
      this.readers.delete(reader);
      if (this.readers.size === 0) this.end();
    });
    if (first) this.schedule();
    this.run(async () => {
      if (first) await this.collect();
      if (!open) return;
      const missed = this.missed(lastId);
      if (missed === undefined) this.write(reader, 'snapshot', this.snapshot(rights));
      else for (const tick of missed) this.write(reader, 'delta', deltaFor(tick, rights), tick.number);
      this.readers.add(reader);
    });
    return true;
  }

  /** Sends a message to all readers who may see the partition; undefined: to all who may see everything. */
  publish(kind: string, partition: string | undefined, data: unknown): void {
    if (this.readers.size === 0) return;
    const text = JSON.stringify(data);
    for (const reader of this.readers) {
      const allowed = partition === undefined ? reader.rights.partitions === undefined : sees(reader.rights, partition);
      if (allowed) this.write(reader, kind, text);
    }
  }

  /** Ends all streams. */
  stop(): void {
    this.end();
    for (const { response } of this.readers) response.end();
    this.readers.clear();
  }

  private run(job: () => Promise<void>): void {
    this.jobs = this.jobs.then(job).catch(this.onError);
  }

  private end(): void {
    this.cancel?.();
    this.cancel = undefined;
    this.known.clear();
    this.ticks = [];
  }

  private schedule(): void {
    this.cancel?.();
    this.cancel = this.clock.schedule(FEED_MS, () => {
      this.schedule();
      this.run(() => this.tick());
    });
  }

  private async tick(): Promise<void> {
    if (this.cancel === undefined) return;
    const tick = await this.collect();
    this.ticks.push(tick);
    if (this.ticks.length > KEPT) this.ticks.shift();
    const texts = new Map<string, string>();
    for (const reader of this.readers) {
      const key = keyOf(reader.rights);
      let text = texts.get(key);
      if (text === undefined) texts.set(key, (text = deltaFor(tick, reader.rights)));
      this.write(reader, 'delta', text, tick.number);
    }
  }

  /** Compares all destinations with what readers know, and stores the result. */
  private async collect(): Promise<Tick> {
    const live: Texts = new Map();
    const rows: Texts = new Map();
    const gone: Texts = new Map();
    const seen = new Set<number>();
    let looked = 0;
    for (const { row, live: now } of this.source.rows()) {
      if (++looked % SLICE === 0) await this.pause();
      const { id, partition } = row;
      seen.add(id);
      const text = JSON.stringify(now);
      const known = this.known.get(id);
      if (known === undefined) {
        const entry = { partition, live: text, row, rowText: JSON.stringify(row) };
        this.known.set(id, entry);
        add(rows, partition, entry.rowText);
        add(live, partition, text);
        continue;
      }
      if (known.row !== row) {
        known.row = row;
        known.rowText = JSON.stringify(row);
        add(rows, partition, known.rowText);
      }
      if (known.live !== text) {
        known.live = text;
        add(live, partition, text);
      }
    }
    for (const [id, { partition }] of this.known) {
      if (seen.has(id)) continue;
      this.known.delete(id);
      add(gone, partition, String(id));
    }
    const partitions = this.source.partitions();
    const text = JSON.stringify(partitions);
    const changed = text !== this.partitions;
    this.partitions = text;
    const time = this.clock.now();
    return { number: ++this.number, time, live, rows, gone, partitions: changed ? partitions : undefined };
  }

  private missed(lastId: string | undefined): readonly Tick[] | undefined {
    const [boot, text] = lastId?.split('-') ?? [];
    const last = Number(text);
    const first = this.ticks[0]?.number;
    if (boot !== this.boot || first === undefined || !(last >= first - 1) || last > this.number) return undefined;
    return this.ticks.filter((tick) => tick.number > last);
  }

  private snapshot(rights: Rights): string {
    const rows: string[] = [];
    const live: string[] = [];
    for (const entry of this.known.values()) {
      if (!sees(rights, entry.partition)) continue;
      rows.push(entry.rowText);
      live.push(entry.live);
    }
    const { node, version } = this.source;
    const partitions = this.source.partitions().filter(({ name }) => sees(rights, name));
    const head = JSON.stringify({ node, version, time: this.clock.now(), partitions });
    return `${head.slice(0, -1)},"rows":[${rows.join()}],"live":[${live.join()}]}`;
  }

  private write(reader: Reader, kind: string, text: string, number = this.number): void {
    const { response } = reader;
    if (response.destroyed) return;
    response.write(`id: ${this.boot}-${number}\nevent: ${kind}\ndata: ${text}\n\n`);
    const unread = response.writableLength;
    if (kind === 'snapshot') reader.allowed = MAX_UNREAD + unread;
    else if (unread > reader.allowed) response.destroy();
    else if (unread < MAX_UNREAD) reader.allowed = MAX_UNREAD;
  }
}

function keyOf({ partitions }: Rights): string {
  return partitions === undefined ? '*' : [...partitions].sort().join('\n');
}

/** The JSON of a Delta (wire.ts) for a reader with these rights. */
function deltaFor(tick: Tick, rights: Rights): string {
  const of = (texts: Texts): string => {
    const parts: string[] = [];
    for (const [partition, values] of texts) if (sees(rights, partition)) parts.push(values.join());
    return `[${parts.join()}]`;
  };
  const rows = of(tick.rows);
  const gone = of(tick.gone);
  const partitions = tick.partitions?.filter(({ name }) => sees(rights, name));
  return [
    `{"time":${tick.time},"live":${of(tick.live)}`,
    rows === '[]' ? '' : `,"rows":${rows}`,
    gone === '[]' ? '' : `,"gone":${gone}`,
    partitions === undefined ? '' : `,"partitions":${JSON.stringify(partitions)}`,
    '}',
  ].join('');
}

function add(texts: Texts, partition: string, text: string): void {
  const values = texts.get(partition);
  if (values === undefined) texts.set(partition, [text]);
  else values.push(text);
}
