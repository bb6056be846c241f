import { deserialize } from 'node:v8';
import type { Clock } from '../core/clock.js';
import { nextIteration } from '../core/event-loop.js';
import type { Logger } from '../core/logger.js';
import type { Random } from '../core/random.js';
import type { CompiledSet } from '../engine/compiled-set.js';
import type { DestinationRow } from '../engine/destination.js';
import { Engine } from '../engine/engine.js';
import type { PartitionOptions } from '../engine/options.js';
import type { Partition } from '../engine/partition.js';
import { SharedColumns } from '../engine/shared-columns.js';
import type { SharedLoads } from '../engine/shared-loads.js';
import type { SharedRow, ToWorker } from './protocol.js';
import { BEGUN, EPOCH, FIRST_TABLE, headOf } from './shared-layout.js';

type TableItem = Extract<ToWorker, readonly ['table', ...unknown[]]>;

/** A table that is being received or is in use. */
interface Table {
  readonly item: TableItem;
  readonly rows: DestinationRow[];
  /** Whether its sets are shared: then selections may be made while it is valid. */
  ready: boolean;
}

/** What a replica needs. */
export interface ReplicaOptions {
  readonly memory: ArrayBuffer;
  /** This process's number in locks. */
  readonly owner: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** The calls that all processes count together. */
  readonly loads: SharedLoads;
  /**
   * Makes what depends on a partition's sets, in slices, before its new table is used; absent: nothing depends on them.
   */
  readonly prepare?: (partition: Partition) => Promise<void>;
  /** A table is in use, and no earlier one with its name. */
  readonly taken: (name: string, generation: number) => void;
}

/**
 * The brain's tables in a worker: compiled from the same rows, with the data that selections change in shared memory.
 */
export class Replica {
  readonly engine: Engine;
  private readonly head: Int32Array;
  private readonly tables = new Map<string, Table>();
  /** Loads run one after the other. */
  private loading: Promise<void> = Promise.resolve();

  constructor(private readonly options: ReplicaOptions) {
    const { clock, random, log, loads } = options;
    this.head = headOf(options.memory);
    this.engine = new Engine({
      clock,
      random,
      warn: (partition, message) => log.warn({ partition }, message),
    });
    this.engine.countIn(loads);
  }

  /** Whether the rules of this epoch are valid. */
  isInForce(epoch: number): boolean {
    return Atomics.load(this.head, EPOCH) === epoch;
  }

  /** Whether selections may be made in a partition. */
  isCurrent(partition: Partition): boolean {
    const table = this.tables.get(partition.name);
    if (table?.ready !== true) return false;
    const [, , slot, generation] = table.item;
    return Atomics.load(this.head, FIRST_TABLE + slot) === generation;
  }

  /** A worker forwards a request that it has decided itself. */
  begun(worker: number): void {
    Atomics.add(this.head, BEGUN + worker, 1);
  }

  /** A table follows; an earlier one with its name is dropped. */
  begin(item: TableItem): void {
    this.drop(item[1]);
    this.tables.set(item[1], { item, rows: [], ready: false });
  }

  /** Rows of the table that follows. */
  add(name: string, rows: readonly SharedRow[]): void {
    const table = this.tables.get(name);
    for (const each of rows) table?.rows.push(rowOf(each));
  }

  /** The rows are complete: the table is compiled after those before it. */
  end(name: string): void {
    const table = this.tables.get(name);
    if (table !== undefined) this.loading = this.loading.then(() => this.load(table));
  }

  /** Resolves when all received tables are in use. */
  settled(): Promise<void> {
    return this.loading;
  }

  /** The partition is left to the brain. */
  forget(name: string, generation: number): void {
    this.drop(name);
    this.tables.delete(name);
    this.options.taken(name, generation);
  }

  private async load(table: Table): Promise<void> {
    const { memory, owner, log } = this.options;
    const [, name, , generation, options, sets] = table.item;
    const partition = this.engine.putPartition(deserialize(Buffer.from(options, 'base64')) as PartitionOptions);
    try {
      await partition.loadInSlices(table.rows, { inheritState: true }, nextIteration);
    } catch (error) {
      log.error({ err: error, partition: name }, 'a worker cannot use a table: it asks the main process');
      return;
    }
    table.rows.length = 0;
    await this.options.prepare?.(partition);
    if (this.tables.get(name) !== table) return;
    const { snapshot } = partition;
    if (snapshot.sets.size !== sets.length) return;
    for (const [id, at, size] of sets) {
      const set = snapshot.sets.get(id) as CompiledSet | undefined;
      if (set?.destinations.length !== size) return;
      const columns = new SharedColumns(memory, 4 * at, size, owner);
      set.share(columns, false);
      partition.flavour.shareCalls?.(set, columns.counters, false);
    }
    table.ready = true;
    this.options.taken(name, generation);
  }

  /** Stops using the shared memory of a table, which other sets will get. */
  private drop(name: string): void {
    const table = this.tables.get(name);
    const partition = this.engine.partition(name);
    if (table === undefined || partition === undefined) return;
    table.ready = false;
    for (const set of partition.snapshot.sets.values()) (set as CompiledSet).unshare();
  }
}

function rowOf([setId, uri, socket, sockname, weight, priority, attrs, flags]: SharedRow): DestinationRow {
  return {
    setId,
    uri,
    socket,
    sockname: sockname ?? undefined,
    state: 'active',
    probeMode: 0,
    weight,
    priority,
    attrs,
    description: '',
    flags,
  };
}
