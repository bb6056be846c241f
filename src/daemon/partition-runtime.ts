import { isIP } from 'node:net';
import { dirname } from 'node:path';
import { parseDatabaseUrl } from '../config/db-url.js';
import type { PartitionConfig } from '../config/settings.js';
import type { Clock } from '../core/clock.js';
import { messageOf, SwitchyardError } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import { bareHost, parseUri } from '../core/uri.js';
import type { Destination, DestinationRow, ResolvedAddress } from '../engine/destination.js';
import type { LoadReport, Partition } from '../engine/partition.js';
import type { Resolver } from '../sip/resolve.js';
import { insertRows } from '../store/provision.js';
import type { StateFlusher } from '../store/state-flusher.js';
import type { DestinationStore } from '../store/store.js';

/** Milliseconds before the first and, doubling, at most between two retries of a partition that could not be loaded. */
const FIRST_RETRY = 1000;
const LONGEST_RETRY = 30_000;
/** Discarded rows named one by one in the log of one load. */
const DISCARDED_LOGGED = 20;
/** Names resolved at the same time for one load. */
const NAMES_AT_ONCE = 64;
/** Rows whose names are looked at in one turn of the event loop. */
const ROWS_A_TURN = 2000;

export interface PartitionRuntimeOptions {
  readonly config: PartitionConfig;
  readonly partition: Partition;
  readonly store: DestinationStore;
  readonly flusher: StateFlusher | undefined;
  readonly resolver: Resolver;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called after each load that changed the snapshot. */
  readonly loaded: (partition: Partition) => void;
}

export interface ReloadOptions {
  readonly inheritState: boolean;
  readonly dryRun: boolean;
}

/** A tenant at run time: where its rows come from, how its last load went, and when it is tried again. */
export class PartitionRuntime {
  /** undefined: ready; else why it is not. */
  notReady: string | undefined = 'not loaded yet';
  /** Figures for metrics. */
  readonly figures = { loads: 0, failures: 0, lastDuration: 0, lastSuccess: 0, discarded: 0 };
  readonly reports: { time: number; text: string }[] = [];
  private running: Promise<LoadReport> | undefined;
  private queued: { promise: Promise<LoadReport>; options: ReloadOptions } | undefined;
  private cancelRetry: (() => void) | undefined;
  private retryDelay = FIRST_RETRY;
  private stopped = false;

  constructor(readonly options: PartitionRuntimeOptions) {}

  get name(): string {
    return this.options.config.name;
  }

  get partition(): Partition {
    return this.options.partition;
  }

  /** The first load: a database that is down leaves the partition empty, and is tried again with back-off. */
  async start(): Promise<void> {
    await this.options.flusher?.start();
    await this.attempt();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelRetry?.();
    await this.options.flusher?.stop();
    await this.options.store.close();
  }

  /**
   * Reloads. While one reload runs, all that ask meanwhile share the next one, so that each gets data read after it
   * asked. Throws SwitchyardError STORE_*; the old data then stay.
   */
  reload(options: ReloadOptions): Promise<LoadReport> {
    if (this.running === undefined) return this.begin(options);
    const { queued } = this;
    if (
      queued !== undefined &&
      queued.options.inheritState === options.inheritState &&
      queued.options.dryRun === options.dryRun
    ) {
      return queued.promise;
    }
    const before = queued?.promise ?? this.running;
    const promise: Promise<LoadReport> = before
      .catch(() => undefined)
      .then(() => {
        if (this.queued?.promise === promise) this.queued = undefined;
        return this.begin(options);
      });
    this.queued = { promise, options };
    return promise;
  }

  /** Replaces the rows by those a command made, as a reload from nowhere. */
  replaceRows(rows: readonly DestinationRow[]): LoadReport {
    const report = this.partition.load(rows, { inheritState: true, resolve: (uri) => this.known(uri) });
    this.options.loaded(this.partition);
    return report;
  }

  /** Writes a row that a command made into the table. Throws SwitchyardError. */
  async persistRow(row: DestinationRow): Promise<void> {
    const { dbUrl, source, tableName, columns, flavour } = this.options.config;
    const url = parseDatabaseUrl(dbUrl, dirname(source));
    await insertRows({ url, table: tableName, columns, flavour }, [row], {}, this.options.log);
  }

  private begin(options: ReloadOptions): Promise<LoadReport> {
    const run = this.load(options).finally(() => {
      if (this.running === run) this.running = undefined;
    });
    this.running = run;
    return run;
  }

  private async attempt(): Promise<void> {
    try {
      await this.reload({ inheritState: true, dryRun: false });
      this.retryDelay = FIRST_RETRY;
    } catch {
      if (this.stopped) return;
      this.cancelRetry = this.options.clock.schedule(this.retryDelay, () => void this.attempt());
      this.retryDelay = Math.min(this.retryDelay * 2, LONGEST_RETRY);
    }
  }

  private async load(options: ReloadOptions): Promise<LoadReport> {
    const { store, clock, log, partition } = this.options;
    const began = clock.monotonic();
    try {
      const { rows, discarded } = await store.load();
      const addresses = await this.resolveNames(rows);
      const report = await partition.loadInSlices(
        rows,
        {
          inheritState: options.inheritState,
          dryRun: options.dryRun,
          resolve: (uri) => addresses.get(hostKey(uri.host, uri.port)) ?? this.known(uri),
        },
        nextTurn,
      );
      const whole = { ...report, discarded: [...discarded, ...report.discarded] };
      if (!options.dryRun) this.succeeded(whole, clock.monotonic() - began);
      return whole;
    } catch (error) {
      this.failed(error);
      log.error(
        { err: { message: messageOf(error) }, store: store.description, retryMs: this.retryDelay },
        `partition ${this.name} could not be loaded; ${partition.snapshot.size} destinations stay as they were`,
      );
      throw error instanceof SwitchyardError
        ? error
        : new SwitchyardError('INTERNAL', messageOf(error), { cause: error });
    }
  }

  private succeeded(report: LoadReport, duration: number): void {
    const { log, store, clock, partition } = this.options;
    this.notReady = undefined;
    this.cancelRetry?.();
    this.figures.loads++;
    this.figures.lastDuration = duration;
    this.figures.lastSuccess = clock.now();
    this.figures.discarded = report.discarded.length;
    for (const { row, reason } of report.discarded.slice(0, DISCARDED_LOGGED)) {
      log.warn({ row, reason }, `a row of partition ${this.name} was discarded`);
    }
    const counts = {
      loaded: report.loaded,
      discarded: report.discarded.length,
      added: report.added.length,
      removed: report.removed.length,
      changed: report.changed.length,
    };
    log.info({ ...counts, ms: Math.round(duration), store: store.description }, `partition ${this.name} loaded`);
    this.report(`${report.loaded} records loaded, ${report.discarded.length} discarded`);
    this.options.loaded(partition);
  }

  private failed(error: unknown): void {
    this.figures.failures++;
    if (this.figures.loads === 0) this.notReady = messageOf(error);
    this.report(`loading failed: ${messageOf(error)}`);
  }

  private report(text: string): void {
    this.reports.push({ time: this.options.clock.now(), text });
    if (this.reports.length > 100) this.reports.shift();
  }

  /** Addresses a destination that is there already has: they outlive an outage of the DNS. */
  private known(uri: { host: string; port: number | undefined }): readonly ResolvedAddress[] | undefined {
    for (const set of this.partition.snapshot.sets.values()) {
      for (const destination of set.destinations as readonly Destination[]) {
        if (destination.host === uri.host && destination.port === uri.port) return destination.resolved;
      }
    }
    return undefined;
  }

  private async resolveNames(rows: readonly DestinationRow[]): Promise<Map<string, readonly ResolvedAddress[]>> {
    const found = new Map<string, readonly ResolvedAddress[]>();
    const wanted = new Map<string, NonNullable<ReturnType<typeof parseUri>>>();
    for (const [i, row] of rows.entries()) {
      // Calls go on while a large table is looked through.
      if (i % ROWS_A_TURN === ROWS_A_TURN - 1) await nextTurn();
      const uri = parseUri(row.uri);
      if (uri === undefined || uri.host === '' || isIP(bareHost(uri.host)) !== 0) continue;
      wanted.set(hostKey(uri.host, uri.port), uri);
    }
    const queue = [...wanted];
    const work = async (): Promise<void> => {
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        const [key, uri] = next;
        const result = await new Promise<readonly ResolvedAddress[] | Error>((resolve) =>
          this.options.resolver.resolve(uri, resolve),
        );
        if (!(result instanceof Error)) found.set(key, result);
      }
    };
    await Promise.all(Array.from({ length: Math.min(NAMES_AT_ONCE, queue.length) }, work));
    return found;
  }
}

function hostKey(host: string, port: number | undefined): string {
  return `${host.toLowerCase()}:${port ?? ''}`;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
