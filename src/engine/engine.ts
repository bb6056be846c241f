import type { Clock } from '../core/clock.js';
import { SwitchyardError } from '../core/errors.js';
import type { Random } from '../core/random.js';
import type { SelectEnv } from './algorithms/algorithm.js';
import { createPartition } from './create-partition.js';
import type { Destination } from './destination.js';
import { DispatchContext } from './dispatch-context.js';
import { flavourKind } from './flavours.js';
import { OpensipsFlavour } from './opensips/flavour.js';
import type { PartitionOptions } from './options.js';
import type { Partition } from './partition.js';
import type { SharedLoads } from './shared-loads.js';
import type { StateSignal, StateTable } from './state.js';
import { createStateTable } from './state-table.js';
import { MAX_WEIGHT, setReportedWeight } from './weight.js';

/** What the engine needs. */
export interface EngineOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Name of the default partition, which "" also means; default "default". */
  readonly defaultPartition?: string;
  /**
   * Reports selections that cannot be done as requested. Called while calls are routed: it must be fast and limit its
   * rate.
   */
  readonly warn?: (partition: string, message: string) => void;
  readonly onListenerError?: (error: unknown) => void;
}

const GONE: PartitionOptions = {
  name: '',
  flavour: 'opensips',
  compat: 'default',
  probingThreshold: 3,
  dstAvp: '',
  grpAvp: '',
  cntAvp: '',
  sockAvp: '',
  attrsAvp: undefined,
  persistentState: false,
};

/** The partitions, the state table, and the data that selections need. It uses no socket, timer or database. */
export class Engine {
  readonly states: StateTable;
  readonly env: SelectEnv;
  defaultPartition: string;
  /** Called when a destination's weight was changed at run time; undefined: nobody listens. */
  onWeight: ((destination: Destination) => void) | undefined = undefined;
  private readonly byName = new Map<string, Partition>();
  /** Rules for signals about destinations whose partition was removed. */
  private readonly gone: OpensipsFlavour;

  constructor(private readonly options: EngineOptions) {
    this.defaultPartition = options.defaultPartition ?? 'default';
    this.env = { random: options.random, warn: options.warn ?? (() => {}) };
    this.gone = new OpensipsFlavour(GONE, this.env);
    this.states = createStateTable({
      clock: options.clock,
      rules: (name) => this.byName.get(name)?.flavour ?? this.gone,
      ...(options.onListenerError === undefined ? {} : { onListenerError: options.onListenerError }),
    });
  }

  /**
   * Makes the engine count calls in memory that several processes map. Must be called before the first call is counted.
   */
  countIn(loads: SharedLoads): void {
    this.env.loads = loads;
  }

  /** Partitions in order of definition. */
  get partitions(): Iterable<Partition> {
    return this.byName.values();
  }

  /** Adds an empty partition. Throws SwitchyardError CONFIG_INVALID when the name is used already or is empty. */
  addPartition(options: PartitionOptions): Partition {
    if (options.name === '') throw new SwitchyardError('CONFIG_INVALID', 'a partition needs a name');
    if (this.byName.has(options.name)) {
      throw new SwitchyardError('CONFIG_INVALID', `partition "${options.name}" is defined twice`);
    }
    // A copy, which putPartition changes, so that everybody who has the partition sees the new options.
    const own = { ...options };
    const { clock } = this.options;
    const apply = (signal: StateSignal) => this.states.apply(signal);
    const partition = createPartition(own, () => flavourKind(own.flavour).create(own, this.env, clock), clock, apply);
    this.byName.set(options.name, partition);
    return partition;
  }

  /** Adds a partition, or changes the options of an existing one: its snapshot and states stay until the next load. */
  putPartition(options: PartitionOptions): Partition {
    const known = this.byName.get(options.name);
    if (known === undefined) return this.addPartition(options);
    Object.assign(known.options, options);
    return known;
  }

  /** Removes a partition; transactions that have its snapshot keep it. Returns whether it existed. */
  removePartition(name: string): boolean {
    return this.byName.delete(name);
  }

  /** The partition with a name, "" for the default one; undefined when there is none. */
  partition(name: string): Partition | undefined {
    return this.byName.get(name === '' ? this.defaultPartition : name);
  }

  /**
   * Sets a destination's weight at run time, for all later selections. It stays across reloads until the weight of the
   * row is changed. Undefined restores the weight of the row. Returns false when nothing changed: the weight was the
   * same, the partition was removed, or its flavour has weights in attributes. Throws RangeError for an invalid weight.
   */
  setWeight(destination: Destination, weight: number | undefined): boolean {
    if (weight !== undefined && !(Number.isInteger(weight) && weight >= 0 && weight <= MAX_WEIGHT)) {
      throw new RangeError(`weight ${weight} is not a whole number between 0 and ${MAX_WEIGHT}`);
    }
    const takesWeights = this.byName.get(destination.partition)?.flavour.weightsAtRunTime === true;
    const changed = takesWeights && setReportedWeight(destination.health, weight);
    if (changed) this.onWeight?.(destination);
    return changed;
  }

  /** Creates the dispatch context for one transaction. */
  context(): DispatchContext {
    return new DispatchContext();
  }
}
