import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parseDatabaseUrl } from '../config/db-url.js';
import type { DispatcherConfig } from '../config/dispatcher-settings.js';
import type { PartitionConfig } from '../config/settings.js';
import type { Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import type { Engine } from '../engine/engine.js';
import type { LoadReport, Partition } from '../engine/partition.js';
import { destinationsOf } from '../engine/set.js';
import type { Resolver } from '../sip/resolve.js';
import { createStore } from '../store/create-store.js';
import { DatabasePools } from '../store/pools.js';
import type { NoSocket } from '../store/rows.js';
import { StateFlusher } from '../store/state-flusher.js';
import { dropsProbing, freeswitchMaxWeight, namesEvery, partitionOptions } from './options.js';
import { ServerRetries } from './server-retries.js';
import { PartitionRuntime } from './tenant.js';

/** What the partitions at run time need. */
export interface PartitionRuntimesOptions {
  readonly engine: Engine;
  /** The current module parameters. */
  readonly dispatcher: () => DispatcherConfig;
  readonly resolver: Resolver;
  readonly noSocket: NoSocket;
  /** Whether this process listens on a socket that a destination names. */
  readonly listens: (socket: string) => boolean;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether this process may write states to the partition's table now; default: yes. */
  readonly writesTable?: (partition: PartitionConfig) => boolean;
  /** Called when a partition has a new snapshot. */
  readonly loaded: (partition: Partition) => void;
  /** Called when host names of a partition's destinations resolve to other addresses. */
  readonly renamed: (partition: Partition) => void;
}

/** Result of a load: the report, or the error. */
export type LoadOutcome =
  | { readonly report: LoadReport; readonly failure?: undefined }
  | { readonly failure: string; readonly report?: undefined };

/** All partitions at run time, with their stores; it also adds them to the engine and removes them. */
export class PartitionRuntimes {
  private readonly runtimes = new Map<string, PartitionRuntime>();
  private readonly pools: DatabasePools;
  /** By database server. */
  private readonly retries = new Map<string, ServerRetries>();

  constructor(private readonly options: PartitionRuntimesOptions) {
    this.pools = new DatabasePools(options.log);
  }

  /** The partitions in order of creation. The map object never changes, only its entries. */
  get byName(): ReadonlyMap<string, PartitionRuntime> {
    return this.runtimes;
  }

  /** Throws SwitchyardError STORE_* when no store can be made for one of these configurations. Changes nothing. */
  async check(configs: readonly PartitionConfig[]): Promise<void> {
    for (const config of configs) await createStore(config, { pools: this.pools }).close();
  }

  /**
   * Creates the partitions of these that do not exist yet, and returns them; does not start them. Throws as `check`
   * does.
   */
  add(configs: readonly PartitionConfig[]): readonly PartitionRuntime[] {
    const missing = configs.filter(({ name }) => !this.runtimes.has(name));
    return missing.map((config) => {
      const runtime = this.create(config);
      this.runtimes.set(config.name, runtime);
      return runtime;
    });
  }

  /**
   * Removes the partitions whose configuration is not among `wanted` (or all of them) and returns them; the caller must
   * stop them. `dropped`: names of those removed without a successor; the engine has forgotten them.
   */
  retire(
    wanted: readonly PartitionConfig[],
    all: boolean,
  ): { readonly retired: readonly PartitionRuntime[]; readonly dropped: readonly string[] } {
    const configs = new Map(wanted.map((each) => [each.name, each]));
    const retired: PartitionRuntime[] = [];
    const dropped: string[] = [];
    for (const [name, runtime] of this.runtimes) {
      const config = configs.get(name);
      if (config !== undefined && !all && isDeepStrictEqual(config, runtime.options.config)) continue;
      retired.push(runtime);
      this.runtimes.delete(name);
      if (config !== undefined) continue;
      this.options.engine.removePartition(name);
      dropped.push(name);
    }
    return { retired, dropped };
  }

  /** Loads all partitions, or those in `names`, without starting them. Returns the results by name. */
  async loadAll(names?: ReadonlySet<string>): Promise<ReadonlyMap<string, LoadOutcome>> {
    const outcomes = new Map<string, LoadOutcome>();
    const load = async (runtime: PartitionRuntime): Promise<void> => {
      try {
        outcomes.set(runtime.name, { report: await runtime.reload({ inheritState: true, dryRun: false }) });
      } catch (error) {
        outcomes.set(runtime.name, { failure: messageOf(error) });
      }
    };
    const wanted = [...this.runtimes.values()].filter(({ name }) => names?.has(name) ?? true);
    await Promise.all(wanted.map(load));
    return outcomes;
  }

  /** Reloads one partition for a script's ds_reload; states set by commands are kept where the flavour does so. */
  async reloadForScript(name: string): Promise<void> {
    const inheritState = this.options.engine.partition(name)?.flavour.reloadKeepsStates === true;
    await this.runtimes.get(name)?.reload({ inheritState, dryRun: false });
  }

  private create(config: PartitionConfig): PartitionRuntime {
    const { engine, clock, resolver, noSocket, listens, loaded, renamed, writesTable } = this.options;
    const dispatcher = this.options.dispatcher();
    const partition = engine.putPartition(partitionOptions(config, dispatcher));
    const { attrsNone, extraAttrs } = dispatcher.kamailio;
    const withoutProbing = dropsProbing(config, dispatcher);
    const rules = {
      freeswitchMaxWeight: freeswitchMaxWeight(dispatcher),
      noSocket,
      attrsNone,
      extraAttrs,
      withoutProbing,
    };
    const store = createStore({ ...config, ...rules }, { pools: this.pools });
    const log = this.options.log.child({ partition: config.name });
    const flusher = config.persistentState
      ? new StateFlusher({
          partition: config.name,
          store,
          destinations: () => destinationsOf(partition.snapshot),
          changes: engine.states,
          clock,
          logger: log,
          intervalMs: dispatcher.flushInterval * 1000,
          enabled: writesTable && (() => writesTable(config)),
        })
      : undefined;
    const changes = engine.states;
    return new PartitionRuntime({
      config,
      partition,
      store,
      flusher,
      retries: this.retriesOf(config),
      changes,
      resolver,
      clock,
      log,
      listens,
      namesEvery: namesEvery(config, dispatcher),
      loaded,
      renamed,
    });
  }

  /** The failed partitions of a partition's database server; undefined for files, of which each fails alone. */
  private retriesOf({ dbUrl, source }: PartitionConfig): ServerRetries | undefined {
    const url = parseDatabaseUrl(dbUrl, dirname(source));
    if (!('host' in url)) return undefined;
    const server = `${url.kind} ${url.host} ${url.port}`;
    const known = this.retries.get(server) ?? new ServerRetries();
    this.retries.set(server, known);
    return known;
  }
}
