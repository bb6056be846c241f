import { serialize } from 'node:v8';
import type { CompiledSet } from '../engine/compiled-set.js';
import type { Destination, DestinationRow } from '../engine/destination.js';
import type { Engine } from '../engine/engine.js';
import type { Partition } from '../engine/partition.js';
import type { Snapshot } from '../engine/set.js';
import { SharedColumns, wordsOf } from '../engine/shared-columns.js';
import { Arena } from './arena.js';
import type { SharedRow, SharedRules, ToWorker } from './protocol.js';
import { BEGUN, BRAIN, EPOCH, FIRST_COLUMN, FIRST_TABLE, headOf, MAX_TABLES, ownerOf } from './shared-layout.js';

/**
 * Maximum number of destinations of a partition from which workers may select themselves, and of all such partitions.
 */
const MAX_OF_ONE = 20_000;
const MAX_OF_ALL = 100_000;
/** Rows in one item: about 30 KB. */
const ROWS = 200;
/** Variables that only the brain can evaluate: statistics, sharing tags, its process. */
const OF_THE_BRAIN = /\$\(?(?:stat|shtag|pp)\b/;

/** Whether rules and formats can be evaluated in any process. */
export function canBeShared(rules: SharedRules): boolean {
  const text = JSON.stringify(rules, (_key, value: unknown) => (value instanceof Map ? [...value] : value));
  return !OF_THE_BRAIN.test(text);
}

/** What the brain's side needs. */
export interface SharedTablesOptions {
  readonly engine: Engine;
  readonly memory: ArrayBuffer;
  readonly workers: number;
  readonly send: (worker: number, item: ToWorker) => void;
  /** The current rules; undefined: workers must not decide requests. */
  readonly rules: () => SharedRules | undefined;
}

interface Block {
  readonly at: number;
  readonly words: number;
}

/** A table that workers have or will get. */
interface Published {
  readonly slot: number;
  readonly partition: Partition;
  readonly snapshot: Snapshot;
  readonly generation: number;
  readonly blocks: ReadonlyMap<number, Block>;
  /** Its options, in the form for workers. */
  readonly parameters: string;
}

/** A table that was replaced or withdrawn, and the workers that may still use it. */
interface Retired {
  readonly table: Published;
  readonly users: Set<number>;
}

/**
 * The brain's side of deciding in workers: sends them the current rules and tables, shares the data that selections
 * change, and withdraws all of this at once when something changes. Only this process writes states.
 */
export class SharedTables {
  private readonly head: Int32Array;
  private readonly arena: Arena;
  private readonly tables = new Map<string, Published>();
  private readonly retired: Retired[] = [];
  private generations = 0;
  private epoch = 0;
  /** The rules that workers have. */
  private known: string | null = null;
  private slots = 0;
  private readonly freeSlots: number[] = [];
  private isOpen = true;

  constructor(private readonly options: SharedTablesOptions) {
    const { engine, memory } = options;
    this.head = headOf(memory);
    this.arena = new Arena(FIRST_COLUMN, memory.byteLength / 4);
    engine.states.onChange(({ destination }) => this.publishState(destination));
    engine.onWeight = ({ partition }) => this.withdraw(partition);
  }

  /** Writes the state of a destination for all workers, over whatever they assumed. */
  publishState(destination: Destination): void {
    const { partition, setId } = destination;
    const set = this.tables.get(partition)?.snapshot.sets.get(setId) as CompiledSet | undefined;
    set?.publishState(destination);
  }

  /** From now on workers ask about every request (false), or only about those they cannot decide (true). */
  open(isOpen: boolean): void {
    this.isOpen = isOpen;
    Atomics.store(this.head, EPOCH, isOpen ? this.epoch : 0);
  }

  /** Rules, settings or tables may have changed: workers decide by them as soon as they have them. */
  changed(): void {
    const { engine, workers, send } = this.options;
    const rules = this.options.rules();
    const text = rules === undefined ? null : serialize(rules).toString('base64');
    if (text !== this.known) {
      this.known = text;
      this.epoch++;
      for (let worker = 1; worker <= workers; worker++) send(worker, ['rules', this.epoch, text]);
    }
    for (const [name, { partition }] of [...this.tables]) {
      if (rules === undefined || engine.partition(name) !== partition) this.withdraw(name);
    }
    if (rules !== undefined) for (const partition of engine.partitions) this.publish(partition);
    this.open(this.isOpen);
  }

  /** Number of requests that a worker has decided and forwarded. */
  begun(worker: number): number {
    return Atomics.load(this.head, BEGUN + worker);
  }

  /** A worker starts, or starts again: it has no tables. */
  started(worker: number): void {
    for (const { users } of this.retired) users.delete(worker);
    this.release();
    this.options.send(worker, ['rules', this.epoch, this.known]);
    for (const table of this.tables.values()) this.sendTable(worker, table);
  }

  /** A worker uses a table, and no earlier one with its name. */
  taken(worker: number, name: string, generation: number): void {
    for (const { table, users } of this.retired) {
      if (table.partition.name === name && table.generation < generation) users.delete(worker);
    }
    this.release();
  }

  /** A worker has died: releases its locks and tables. */
  lost(worker: number): void {
    const tables = [...this.tables.values(), ...this.retired.map(({ table }) => table)];
    for (const { snapshot, blocks } of tables) {
      for (const id of blocks.keys()) setOf(snapshot, id)?.shared?.release(ownerOf(worker));
    }
    for (const { users } of this.retired) users.delete(worker);
    this.release();
  }

  /** Makes workers ask about a partition from now on. */
  private withdraw(name: string): void {
    const table = this.tables.get(name);
    if (table === undefined) return;
    Atomics.store(this.head, FIRST_TABLE + table.slot, 0);
    this.tables.delete(name);
    this.freeSlots.push(table.slot);
    const generation = ++this.generations;
    this.retire(table);
    for (let worker = 1; worker <= this.options.workers; worker++)
      this.options.send(worker, ['noTable', name, generation]);
  }

  private publish(partition: Partition): void {
    const { name, snapshot, options } = partition;
    const parameters = serialize(options).toString('base64');
    const before = this.tables.get(name);
    if (before?.snapshot === snapshot && before.parameters === parameters) return;
    const blocks = this.maySelect(partition) ? this.blocksFor(snapshot) : undefined;
    const slot = before?.slot ?? this.freeSlots.pop() ?? (this.slots < MAX_TABLES ? this.slots++ : undefined);
    if (blocks === undefined || slot === undefined) {
      this.withdraw(name);
      return;
    }
    Atomics.store(this.head, FIRST_TABLE + slot, 0);
    for (const [id, block] of blocks) this.share(id, partition, before?.snapshot, block);
    const table: Published = { slot, partition, snapshot, generation: ++this.generations, blocks, parameters };
    this.tables.set(name, table);
    if (before !== undefined) this.retire(before);
    for (let worker = 1; worker <= this.options.workers; worker++) this.sendTable(worker, table);
    Atomics.store(this.head, FIRST_TABLE + slot, table.generation);
  }

  /** Whether selections depend only on data that is shared. */
  private maySelect({ name, snapshot, flavour }: Partition): boolean {
    if (snapshot.size > MAX_OF_ONE) return false;
    let { size } = snapshot;
    for (const [other, table] of this.tables) if (other !== name) size += table.snapshot.size;
    if (size > MAX_OF_ALL) return false;
    for (const set of snapshot.sets.values()) {
      const { destinations } = set;
      if (flavour.sharesAreFixed?.(set) === false) return false;
      // Reported weights change all the time.
      if (destinations.some(({ row, health }) => row.weightFeed !== undefined || health.weight !== undefined))
        return false;
    }
    return true;
  }

  private blocksFor(snapshot: Snapshot): ReadonlyMap<number, Block> | undefined {
    const blocks = new Map<number, Block>();
    for (const [id, { destinations }] of snapshot.sets) {
      const words = wordsOf(destinations.length);
      const at = this.arena.take(words);
      if (at === undefined) {
        for (const block of blocks.values()) this.arena.give(block.at, block.words);
        return undefined;
      }
      blocks.set(id, { at, words });
    }
    return blocks;
  }

  private share(id: number, { snapshot, flavour }: Partition, before: Snapshot | undefined, { at }: Block): void {
    const set = setOf(snapshot, id) as CompiledSet;
    const earlier = before === undefined || before === snapshot ? undefined : setOf(before, id);
    // Includes what workers have selected since the table was compiled.
    if (earlier?.shared !== undefined) {
      earlier.enter();
      set.continueFrom(earlier);
      earlier.handOverHits();
      earlier.leave();
    }
    const columns = new SharedColumns(this.options.memory, 4 * at, set.destinations.length, BRAIN);
    set.share(columns, true);
    flavour.shareCalls?.(set, columns.counters, true);
  }

  private retire(table: Published): void {
    this.retired.push({ table, users: new Set(Array.from({ length: this.options.workers }, (_, i) => i + 1)) });
    this.release();
  }

  /** Frees blocks that nobody uses. */
  private release(): void {
    for (let i = this.retired.length - 1; i >= 0; i--) {
      const { table, users } = this.retired[i] as Retired;
      if (users.size > 0) continue;
      this.retired.splice(i, 1);
      // A table that was shared again with other parameters has its columns elsewhere by now.
      const isAgain = this.tables.get(table.partition.name)?.snapshot === table.snapshot;
      for (const [id, { at, words }] of table.blocks) {
        if (!isAgain) setOf(table.snapshot, id)?.unshare();
        this.arena.give(at, words);
      }
    }
  }

  private sendTable(worker: number, { slot, partition, snapshot, generation, blocks, parameters }: Published): void {
    const { send } = this.options;
    const { name, flavour } = partition;
    const sets = [...blocks].map(([id, { at }]) => [id, at, setOf(snapshot, id)?.destinations.length ?? 0] as const);
    send(worker, ['table', name, slot, generation, parameters, sets]);
    const turned = flavour.equalPriorities === 'reverse row order';
    let rows: SharedRow[] = [];
    for (const id of snapshot.setOrder) {
      const { destinations = [] } = snapshot.sets.get(id) ?? {};
      for (let i = 0; i < destinations.length; i++) {
        const destination = destinations[turned ? destinations.length - 1 - i : i];
        if (destination !== undefined) rows.push(rowOf(destination.row));
        if (rows.length < ROWS) continue;
        send(worker, ['rows', name, rows]);
        rows = [];
      }
    }
    send(worker, ['rows', name, rows]);
    send(worker, ['tableEnd', name]);
  }
}

function setOf(snapshot: Snapshot, id: number): CompiledSet | undefined {
  return snapshot.sets.get(id) as CompiledSet | undefined;
}

/** The parts of a row that selecting and sending need. */
function rowOf({ setId, uri, socket, sockname, weight, priority, attrs, flags }: DestinationRow): SharedRow {
  return [setId, uri, socket, sockname ?? null, weight, priority, attrs, flags ?? 0];
}
