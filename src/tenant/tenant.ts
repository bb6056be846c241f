import type { PartitionConfig } from '../config/settings.js';
import type { Clock } from '../core/clock.js';
import { messageOf, SwitchyardError } from '../core/errors.js';
import { nextIteration } from '../core/event-loop.js';
import type { Logger } from '../core/logger.js';
import type { SipUri } from '../core/uri.js';
import { within } from '../core/within.js';
import type { Destination, DestinationRow, Health, ResolvedAddress } from '../engine/destination.js';
import { type Discarded, type LoadOptions, type LoadReport, type Partition, UNRESOLVED } from '../engine/partition.js';
import type { StateTable } from '../engine/state.js';
import type { StatusReport } from '../management/mi/dependencies.js';
import type { Resolver } from '../sip/resolve.js';
import type { StateFlusher } from '../store/state-flusher.js';
import type { DestinationStore } from '../store/store.js';
import type { RowIdentity } from '../store/table-spec.js';
import { expandNames } from './expand-names.js';
import { hostKey, type NamedHosts, namedHosts, resolveHosts, sameAddresses } from './host-names.js';
import { JobQueue } from './job-queue.js';
import { LoadOutcomes } from './load-outcomes.js';
import { FirstLoadRetry, ServerRetries } from './server-retries.js';
import { persistRow, removeRows } from './table-writes.js';

/** Milliseconds a lookup of host names may take. */
const NAMES_LIMIT = 15_000;
/**
 * Milliseconds a load waits for host names. Those that come later keep their former addresses, or get them at a later
 * lookup.
 */
const NAMES_WAIT = 5000;
/** Milliseconds a stop waits for a running load. */
const STOP_WAIT = 1000;

/** What a partition at run time needs. */
export interface PartitionRuntimeOptions {
  readonly config: PartitionConfig;
  readonly partition: Partition;
  readonly store: DestinationStore;
  readonly flusher: StateFlusher | undefined;
  /** The partitions of the same database server that could not be loaded; undefined: there is none but this. */
  readonly retries?: ServerRetries | undefined;
  readonly changes: Pick<StateTable, 'onChange'>;
  readonly resolver: Pick<Resolver, 'resolve'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether this process listens on a socket that a destination names; absent: on all. */
  readonly listens?: ((socket: string) => boolean) | undefined;
  /** Milliseconds between two lookups of host names; undefined: only loads look them up. */
  readonly namesEvery?: number | undefined;
  /** Called after each load that changed the snapshot. */
  readonly loaded: (partition: Partition) => void;
  /** Called when the host name of a destination resolves to other addresses. */
  readonly renamed: (partition: Partition) => void;
}

/** How a table is loaded again: whether states are kept, and whether the rows are only checked. */
export interface ReloadOptions {
  readonly inheritState: boolean;
  readonly dryRun: boolean;
}

/** A partition at run time: it has the store of its rows, loads them and retries loads that failed. */
export class PartitionRuntime {
  private readonly outcomes: LoadOutcomes;
  private readonly jobs = new JobQueue();
  private cancelNames: (() => void) | undefined = undefined;
  private readonly retry: FirstLoadRetry;
  /** Host names of the rows read last, including rows that were discarded. */
  private hosts: NamedHosts = new Map();
  private unresolved: readonly string[] = [];
  /** The addresses of the host names whose rows were replaced by a row for each address. */
  private expandedHosts: ReadonlyMap<string, readonly ResolvedAddress[]> = new Map();
  /** Whether rows have been read and are being compiled. */
  isCompiling = false;
  private started = false;
  private stopped = false;

  constructor(readonly options: PartitionRuntimeOptions) {
    this.outcomes = new LoadOutcomes(this.name, options);
    this.retry = new FirstLoadRetry(options.clock, options.retries ?? new ServerRetries(), () => void this.attempt());
  }

  /** The name of the partition. */
  get name(): string {
    return this.options.config.name;
  }

  /** The engine's sets and states of the partition. */
  get partition(): Partition {
    return this.options.partition;
  }

  /** Why it is not ready; undefined: it is ready. */
  get notReady(): string | undefined {
    return this.outcomes.notReady;
  }

  /** Figures of its loads, for metrics. */
  get figures(): Readonly<LoadOutcomes['figures']> {
    return this.outcomes.figures;
  }

  /** Reports of its loads, oldest first. */
  get reports(): readonly StatusReport[] {
    return this.outcomes.reports;
  }

  /**
   * Loads for the first time. When the database is down, the partition stays empty and the load is retried with
   * back-off.
   */
  async start(): Promise<void> {
    if (this.stopped) return;
    this.started = true;
    await this.options.flusher?.start();
    if (this.stopped) return;
    this.planNames();
    await this.attempt();
  }

  /**
   * Abandons a running load, writes states back and closes the store. Writes no states if it was never started, since a
   * process that only simulates selections must not change tables.
   */
  async stop(): Promise<void> {
    const { clock, flusher, store } = this.options;
    this.stopped = true;
    this.retry.stop();
    this.cancelNames?.();
    await within(clock, STOP_WAIT, this.jobs.idle());
    if (this.started) await flusher?.stop();
    await store.close();
  }

  /**
   * Loads the table again. Requests that come while a reload runs share the next one, so that each gets data read after
   * it. Throws SwitchyardError STORE_*; the old data then stay.
   */
  reload(options: ReloadOptions): Promise<LoadReport> {
    const key = `reload ${options.inheritState} ${options.dryRun}`;
    return this.jobs.run(key, () => this.load(options));
  }

  /**
   * Changes the rows in memory until the next load from the table. `confirm` checks the result and may write it to the
   * table; when it rejects, the rows are restored.
   */
  editRows(
    change: (rows: readonly DestinationRow[]) => readonly DestinationRow[],
    confirm: (report: LoadReport) => Promise<void> = () => Promise.resolve(),
  ): Promise<LoadReport> {
    return this.jobs.run(undefined, async () => {
      this.checkRunning();
      const { partition } = this.options;
      const before = rowsOf(partition);
      const report = await this.take(change(before));
      try {
        await confirm(report);
      } catch (error) {
        await this.take(before);
        throw error;
      }
      return report;
    });
  }

  private async take(rows: readonly DestinationRow[]): Promise<LoadReport> {
    const { partition } = this.options;
    const known = this.knownAddresses();
    const hosts = new Map([...(await namedHosts(rows, this.pause))].filter(([key]) => !known().has(key)));
    const resolve = await this.resolution(hosts);
    const options: LoadOptions = { inheritState: true, resolve };
    const report = await partition.loadInSlices(await this.expanded(rows, resolve), options, this.pause);
    this.options.loaded(partition);
    return report;
  }

  /** Inserts a row that a command created. Throws SwitchyardError. */
  persistRow(row: DestinationRow): Promise<void> {
    return persistRow(this.options, row);
  }

  /** Deletes the rows of destinations that a command removed. Throws SwitchyardError. */
  deleteRows(rows: readonly RowIdentity[]): Promise<void> {
    return removeRows(this.options, rows);
  }

  /** Resolves all host names again and updates the addresses of destinations. Never throws. */
  async refreshNames(): Promise<void> {
    const { resolver, clock, partition, renamed, log } = this.options;
    if (this.hosts.size === 0) return;
    const { unresolved } = this;
    const found = await resolveHosts(this.hosts, resolver, clock, NAMES_LIMIT);
    if (this.stopped) return;
    let changed = 0;
    for (const destination of partition.named()) {
      const addresses = found.get(hostKey(destination));
      if (addresses === undefined || sameAddresses(addresses, destination.resolved)) continue;
      destination.resolved = addresses;
      changed++;
    }
    if (changed > 0) {
      log.debug({ destinations: changed }, `host names of partition ${this.name} resolve to other addresses`);
      renamed(partition);
    }
    const moved = [...this.expandedHosts].some(([key, before]) => {
      const now = found.get(key);
      return now !== undefined && !sameAddresses(inOrder(now), inOrder(before));
    });
    if (moved) {
      log.info({}, `host names of partition ${this.name} resolve to other addresses; it is loaded again`);
      await this.reload({ inheritState: true, dryRun: false }).catch(() => undefined);
    } else if (unresolved.some((key) => found.has(key))) {
      log.info({}, `host names of discarded rows of partition ${this.name} resolve now; it is loaded again`);
      await this.reload({ inheritState: true, dryRun: false }).catch(() => undefined);
    }
  }

  private planNames(): void {
    const { namesEvery, clock } = this.options;
    if (namesEvery === undefined) return;
    this.cancelNames = clock.schedule(namesEvery, () => {
      void this.refreshNames().finally(() => {
        if (!this.stopped) this.planNames();
      });
    });
  }

  private async attempt(): Promise<void> {
    this.retry.begins();
    try {
      await this.reload({ inheritState: true, dryRun: false });
    } catch {
      // Another reload may have succeeded in the meantime.
      if (!this.stopped && this.figures.loads === 0) this.retry.failed();
    }
  }

  private async load(options: ReloadOptions): Promise<LoadReport> {
    const { store, clock, partition, changes } = this.options;
    const began = clock.monotonic();
    const touched = new Set<Health>();
    const forget = options.inheritState
      ? () => {}
      : changes.onChange(({ destination, origin }) => {
          if (origin !== 'store') touched.add(destination.health);
        });
    try {
      this.checkRunning();
      const { rows, discarded } = await store.load();
      this.checkRunning();
      this.isCompiling = true;
      const hosts = await namedHosts(rows, this.pause);
      const resolve = await this.resolution(hosts);
      const report = await partition.loadInSlices(
        await this.expanded(rows, resolve),
        {
          inheritState: options.inheritState,
          dropScriptAttrs: true,
          dryRun: options.dryRun,
          resolve,
          isNewer: ({ health }) => touched.has(health),
          check: ({ discarded: refused }) => this.checkResolved(refused),
        },
        this.pause,
      );
      const whole = { ...report, discarded: [...discarded, ...report.discarded] };
      if (!options.dryRun) {
        this.hosts = hosts;
        this.succeeded(whole, clock.monotonic() - began);
        await this.options.flusher?.tableRead();
      }
      return whole;
    } catch (error) {
      if (!this.stopped) this.outcomes.failed(error, partition.snapshot.size);
      throw error instanceof SwitchyardError
        ? error
        : new SwitchyardError('INTERNAL', messageOf(error), { cause: error });
    } finally {
      this.isCompiling = false;
      forget();
    }
  }

  private succeeded(report: LoadReport, duration: number): void {
    const { partition, listens } = this.options;
    this.outcomes.succeeded(report, duration);
    this.retry.succeeded();
    if (listens !== undefined) this.outcomes.reportUnusedSockets(partition, listens);
    const present = new Set([...partition.named().map(hostKey), ...this.expandedHosts.keys()]);
    this.unresolved = [...this.hosts.keys()].filter((key) => !present.has(key));
    this.options.loaded(partition);
  }

  /** Resolves the names. Known destinations keep their addresses while the DNS is down. */
  private async resolution(hosts: NamedHosts): Promise<(uri: SipUri) => readonly ResolvedAddress[] | undefined> {
    const { resolver, clock } = this.options;
    const known = this.knownAddresses();
    const found = await resolveHosts(hosts, resolver, clock, NAMES_WAIT);
    this.checkRunning();
    return (uri) => {
      const key = hostKey(uri);
      return found.get(key) ?? known().get(key);
    };
  }

  /** The rows, with one for each address of a host name, where the partition is configured so. */
  private async expanded(
    rows: readonly DestinationRow[],
    resolve: (uri: SipUri) => readonly ResolvedAddress[] | undefined,
  ): Promise<readonly DestinationRow[]> {
    if (this.options.config.expandNames !== true) return rows;
    const addresses = new Map<string, readonly ResolvedAddress[]>();
    const remembering = (uri: SipUri) => {
      const found = resolve(uri);
      if (found !== undefined) addresses.set(hostKey(uri), found);
      return found;
    };
    const expanded = await expandNames(rows, remembering, this.pause);
    this.expandedHosts = addresses;
    return expanded;
  }

  /** Throws when a name does not resolve, in flavours that then refuse a reload. A first load is never refused. */
  private checkResolved(discarded: readonly Discarded[]): void {
    const { partition, store } = this.options;
    if (!partition.flavour.refusesUnresolved || this.figures.loads === 0 || store.isFile === true) return;
    const unresolved = discarded.find(({ reason }) => reason.endsWith(UNRESOLVED));
    if (unresolved !== undefined) throw new SwitchyardError('STORE_FAILED', `${unresolved.row}: ${unresolved.reason}`);
  }

  /** The addresses of the current destinations by host; collected at the first call. */
  private knownAddresses(): () => ReadonlyMap<string, readonly ResolvedAddress[]> {
    let known: Map<string, readonly ResolvedAddress[]> | undefined;
    return () => {
      known ??= new Map([
        ...this.expandedHosts,
        ...this.partition.named().map((each) => [hostKey(each), each.resolved] as const),
      ]);
      return known;
    };
  }

  /**
   * Yields to the event loop. Throws when the partition is being stopped: a load that went on would replace the data of
   * its successor.
   */
  private readonly pause = async (): Promise<void> => {
    await nextIteration();
    this.checkRunning();
  };

  private checkRunning(): void {
    if (this.stopped) throw new SwitchyardError('STORE_FAILED', `partition ${this.name} is being stopped`);
  }
}

function rowsOf(partition: Partition): DestinationRow[] {
  const rows: DestinationRow[] = [];
  const turned = partition.flavour.editOrder === 'reverse';
  for (const id of partition.snapshot.setOrder) {
    const destinations: readonly Destination[] = partition.snapshot.sets.get(id)?.destinations ?? [];
    for (let i = 0; i < destinations.length; i++) {
      rows.push((destinations[turned ? destinations.length - 1 - i : i] as Destination).row);
    }
  }
  return rows;
}

/** Sorts addresses, since the DNS changes their order with each answer. */
function inOrder(addresses: readonly ResolvedAddress[]): readonly ResolvedAddress[] {
  return [...addresses].sort((a, b) => (`${a.address} ${a.port}` < `${b.address} ${b.port}` ? -1 : 1));
}
