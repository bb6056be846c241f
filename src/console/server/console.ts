import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../../access/caller.js';
import { sees } from '../../access/rights.js';
import { type FiguresTable, TIME_BOUNDS } from '../../calls/destination-figures.js';
import type { Clock } from '../../core/clock.js';
import { messageOf } from '../../core/errors.js';
import type { Service } from '../../core/service.js';
import type { Destination } from '../../engine/destination.js';
import type { Partition } from '../../engine/partition.js';
import { destinationsOf } from '../../engine/set.js';
import type { HttpHandler } from '../../http/server.js';
import { Assets } from './assets.js';
import { type OlderEvents, PastEvents } from './events.js';
import { Feed, type RowPair } from './feed.js';
import { History } from './history.js';
import { WireRows } from './rows.js';
import type { DestinationDetail, EventEntry, HealthGroup, PartitionRow, ProbePoint } from './wire.js';

/** Maximum number of destinations in one query, and longest list of their IDs. */
const MAX_IDS = 100;
const MAX_IDS_TEXT = 2000;

/** The data that the console shows; read on request. */
export interface ConsoleSource {
  readonly node: string;
  readonly version: string;
  partitions(): Iterable<Partition>;
  /** Why a partition is not ready; undefined: it is ready. */
  problem(partition: string): string | undefined;
  readonly figures: Pick<FiguresTable, 'find'>;
  health(): readonly HealthGroup[];
  /** The settings for a destination: name, value, source. */
  settings(destination: Destination): DestinationDetail['settings'];
  /** Whether this node is in a cluster. */
  readonly clustered: boolean;
  /** Reads stored events; undefined when no stream is configured. */
  readonly olderEvents: OlderEvents | undefined;
  /** The sender of a request; undefined when it may see nothing. */
  identify(request: IncomingMessage): Promise<Caller | undefined>;
}

/** A path and its handler. */
export type Route = readonly [path: string, handler: HttpHandler];

/** Options of the console. */
export interface ConsoleOptions {
  readonly source: ConsoleSource;
  readonly clock: Clock;
  readonly pause: () => Promise<void>;
  readonly onError: (error: unknown) => void;
  /** Folder of the built page. */
  readonly assets: URL;
}

/** The server side of the console: the files of the page, its live data, and the data it requests. */
export class Console implements Service {
  readonly name = 'console';
  readonly history = new History();
  readonly feed: Feed;
  private readonly past: PastEvents;
  private readonly rows: WireRows;
  private readonly assets: Assets;

  constructor(private readonly options: ConsoleOptions) {
    const { source, clock, pause, onError } = options;
    this.rows = new WireRows(source.figures);
    this.past = new PastEvents(source.olderEvents);
    this.assets = new Assets(options.assets);
    const feedSource = {
      node: source.node,
      version: source.version,
      partitions: () => [...source.partitions()].map((each) => this.partitionRow(each)),
      rows: () => this.allRows(),
    };
    this.feed = new Feed(feedSource, clock, randomBytes(6).toString('hex'), pause, onError);
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.feed.stop();
  }

  /** Reads the files of the page now, since an upgrade may replace them while the daemon runs. */
  loadAhead(): void {
    this.assets.loadAhead();
  }

  /** Call it when a probe has ended. */
  probed(destination: Destination, outcome: { readonly code: number; readonly rtt?: number | undefined }): void {
    this.history.probed(destination, outcome, this.options.clock.now());
  }

  /** Has to be called when an event was raised. */
  raised(event: EventEntry): void {
    this.past.add(event);
    const { partition } = event.params;
    this.feed.publish('status', typeof partition === 'string' ? partition : undefined, event);
  }

  /** Paths of the page's files. */
  pages(): readonly Route[] {
    return [
      ['/', (request, response) => this.assets.serve('index.html', request, response)],
      ['/console/app.js', (request, response) => this.assets.serve('app.js', request, response)],
      ['/console/app.css', (request, response) => this.assets.serve('app.css', request, response)],
    ];
  }

  /** Paths of the data that the page requests; requests from pages of other origins are refused. */
  data(): readonly Route[] {
    return [
      ['/console/stream', this.asked((caller, request, response) => this.stream(caller, request, response))],
      ['/console/destination', this.asked((caller, request, response) => this.destination(caller, request, response))],
      ['/console/probes', this.asked((caller, request, response) => this.probes(caller, request, response))],
      ['/console/events', this.asked((caller, request, response) => this.events(caller, request, response))],
      ['/console/health', this.asked((caller, _request, response) => this.health(caller, response))],
      ['/console/me', this.asked((caller, _request, response) => this.me(caller, response))],
    ];
  }

  private asked(
    answer: (caller: Caller, request: IncomingMessage, response: ServerResponse) => void | Promise<void>,
  ): HttpHandler {
    return async (request, response) => {
      const caller = await this.options.source.identify(request);
      if (caller === undefined) sendJson(response, 401, { error: 'sign in' });
      else await answer(caller, request, response);
    };
  }

  private stream(caller: Caller, request: IncomingMessage, response: ServerResponse): void {
    const last = request.headers['last-event-id'];
    const opened = this.feed.open(response, caller, typeof last === 'string' ? last : undefined);
    if (!opened) sendJson(response, 503, { error: 'too many pages are open' });
  }

  private destination(caller: Caller, request: IncomingMessage, response: ServerResponse): void {
    const [found] = this.all(new Set([Number(queryOf(request, 'id'))]));
    if (found === undefined || !sees(caller, found.partition)) {
      sendJson(response, 404, { error: 'no such destination' });
      return;
    }
    const figures = this.options.source.figures.find(found);
    const detail: DestinationDetail = {
      row: this.rows.staticRow(found),
      history: this.history.changesOf(found),
      probes: this.history.probesOf(found),
      outcomes: figures?.outcomes ?? [],
      bounds: TIME_BOUNDS,
      first: figures?.first.counts ?? [],
      final: figures?.final.counts ?? [],
      settings: this.options.source.settings(found),
    };
    sendJson(response, 200, detail);
  }

  /** The last probes of some destinations, by number. */
  private probes(caller: Caller, request: IncomingMessage, response: ServerResponse): void {
    const wanted = new Set(queryOf(request, 'ids').slice(0, MAX_IDS_TEXT).split(',').slice(0, MAX_IDS).map(Number));
    const found: Record<number, readonly ProbePoint[]> = {};
    for (const destination of this.all(wanted)) {
      if (sees(caller, destination.partition)) {
        found[this.rows.numberOf(destination)] = this.history.probesOf(destination);
      }
    }
    sendJson(response, 200, found);
  }

  /** Past events, newest first; ?before=N continues with older ones. */
  private async events(caller: Caller, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = queryOf(request, 'before');
    const before = /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
    try {
      sendJson(response, 200, await this.past.page(caller, before));
    } catch (error) {
      sendJson(response, 503, { error: messageOf(error) });
    }
  }

  private health(caller: Caller, response: ServerResponse): void {
    const groups = caller.partitions === undefined ? this.options.source.health() : this.partitionHealth(caller);
    sendJson(response, 200, groups);
  }

  /** The health information for a user limited to some partitions. */
  private partitionHealth(caller: Caller): readonly HealthGroup[] {
    const items = [...this.options.source.partitions()]
      .filter(({ name }) => sees(caller, name))
      .map(({ name }) => {
        const problem = this.options.source.problem(name);
        return {
          name,
          value: problem === undefined ? 'serving' : 'not serving',
          level: problem === undefined ? ('ok' as const) : ('bad' as const),
        };
      });
    return [{ title: 'Partitions', items }];
  }

  private me(caller: Caller, response: ServerResponse): void {
    const { user, role, partitions } = caller;
    sendJson(response, 200, {
      user: user ?? null,
      role,
      partitions: partitions === undefined ? null : [...partitions],
      clustered: this.options.source.clustered,
    });
  }

  private partitionRow({ name, options }: Partition): PartitionRow {
    const problem = this.options.source.problem(name);
    return { name, flavour: options.flavour, ...(problem === undefined ? {} : { problem }) };
  }

  private *allRows(): Generator<RowPair> {
    this.rows.begin(this.options.clock.monotonic());
    for (const partition of this.options.source.partitions()) {
      for (const destination of destinationsOf(partition.snapshot)) {
        yield { row: this.rows.staticRow(destination), live: this.rows.live(destination) };
      }
    }
  }

  /** The destinations with these IDs. */
  private *all(wanted: ReadonlySet<number>): Generator<Destination> {
    for (const partition of this.options.source.partitions()) {
      for (const destination of destinationsOf(partition.snapshot)) {
        if (wanted.has(this.rows.numberOf(destination))) yield destination;
      }
    }
  }
}

/** A query parameter; '' when it is absent. */
function queryOf(request: IncomingMessage, name: string): string {
  const [, query = ''] = (request.url ?? '').split('?', 2);
  return new URLSearchParams(query).get(name) ?? '';
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value), 'utf8');
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
  });
  response.end(body);
}
