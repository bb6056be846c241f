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
import type { StateSignal, StateTable } from './state.js';
import { createStateTable } from './state-table.js';
import { MAX_WEIGHT, setReportedWeight } from './weight.js';

/** What the engine is made with. */
export interface EngineOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Name of the partition that "" means; default "default". */
  readonly defaultPartition?: string;
  /**
   * Reports selections that cannot be done as asked. Called while calls are routed: must be cheap, and limit its rate.
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

/** The partitions, the one table of states, and what selections need. No socket, timer or database. */
export class Engine {
  readonly states: StateTable;
  readonly env: SelectEnv;
  defaultPartition: string;
  /** Called when a destination has got another weight at run time; undefined: no listener. */
  onWeight: ((destination: Destination) => void) | undefined = undefined;
  private readonly byName = new Map<string, Partition>();
  /** Rules for late signals about destinations of a partition that was removed. */
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

  /** Partitions in order of definition. */
  get partitions(): Iterable<Partition> {
    return this.byName.values();
  }

  /** Adds an empty partition. Throws SwitchyardError CONFIG_INVALID when the name is taken or empty. */
  addPartition(options: PartitionOptions): Partition {
    if (options.name === '') throw new SwitchyardError('CONFIG_INVALID', 'a partition needs a name');
    if (this.byName.has(options.name)) {
      throw new SwitchyardError('CONFIG_INVALID', `partition "${options.name}" is defined twice`);
    }
    // A copy of its own: putPartition changes it in place, so that every holder of the partition sees it.
    const own = { ...options };
    const { clock } = this.options;
    const apply = (signal: StateSignal) => this.states.apply(signal);
    const partition = createPartition(own, () => flavourKind(own.flavour).create(own, this.env, clock), clock, apply);
    this.byName.set(options.name, partition);
    return partition;
  }

  /** Adds a partition, or gives one that is there new options: its snapshot and states stay until it is loaded again. */
  putPartition(options: PartitionOptions): Partition {
    const known = this.byName.get(options.name);
    if (known === undefined) return this.addPartition(options);
    Object.assign(known.options, options);
    return known;
  }

  /** Forgets a partition. Transactions that have its snapshot keep it. Returns whether it was there. */
  removePartition(name: string): boolean {
    return this.byName.delete(name);
  }

  /** The partition of a name, "" for the default one; undefined when there is none. */
  partition(name: string): Partition | undefined {
    return this.byName.get(name === '' ? this.defaultPartition : name);
  }

  /**
   * Gives a destination another weight at run time, for everybody who selects from now on. It outlives reloads until the
   * row's own weight is edited. Undefined: the row's weight again. Returns false where nothing changed: it was the weight
   * already, the partition is gone, or weights are attributes in its flavour. Throws RangeError for what
   * is no weight.
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

  /** A new dispatch context for one transaction. */
  context(): DispatchContext {
    return new DispatchContext();
  }
}
