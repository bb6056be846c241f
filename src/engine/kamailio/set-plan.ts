import type { Random } from '../../core/random.js';
import type { CompiledSet } from '../compiled-set.js';
import type { Destination } from '../destination.js';
import type { SharedColumns } from '../shared-columns.js';
import type { SharedLoads } from '../shared-loads.js';
import { type KamailioAttributes, parseAttributes } from './attributes.js';
import type { CallsInProgress } from './calls.js';
import { LeastLoaded } from './least-loaded.js';
import { callsAt, elsewhereOf, joined, type KamailioLive, type LoadWatcher, liveOf, shareOf } from './live.js';
import { BY_RELATIVE_WEIGHT, BY_WEIGHT, type MakeTable, SharedSlots } from './shared-slots.js';
import {
  proportionalSlots,
  recordedPrioritySlots,
  recordedRelativeSlots,
  recordedWeightSlots,
  SlotTable,
} from './slots.js';

/** A table of slots, and the conditions for which it was made. */
interface CachedTable {
  readonly table: SlotTable;
  readonly version: number;
  readonly end: number;
}

/** The positions of a set ordered by load. */
interface OrderByLoad {
  readonly tree: LeastLoaded;
  readonly version: number;
  readonly end: number;
  readonly shared: SharedLoads | undefined;
  /** The position of the destination with each counter. */
  readonly positions: ReadonlyMap<number, number> | undefined;
  /** Number of counter changes that the tree contains. */
  seen: number;
}

/**
 * Data of Kamailio's algorithms for one set: attributes, tables of shares, the order by load. It is created when first
 * needed; data that depends on availability is recomputed after a change.
 */
export class SetPlan implements LoadWatcher {
  readonly attributes: readonly KamailioAttributes[];
  readonly lives: readonly KamailioLive[];
  /** The ranking of the last choice by algorithm 13. */
  latencyOrder: Int32Array = new Int32Array(0);
  /** The tables that other processes use too. */
  private ofAll: SharedSlots | undefined = undefined;
  private active: { readonly version: number; readonly end: number; readonly mark: number } | undefined = undefined;
  private weights: CachedTable | undefined = undefined;
  private relative: CachedTable | undefined = undefined;
  private lowest: CachedTable | undefined = undefined;
  /** Incremented when congestion control changes a share. */
  private shares = 0;
  private loads: OrderByLoad | undefined = undefined;
  /** undefined: not computed yet. */
  private samePriority: boolean | undefined = undefined;
  private anyMaxload: boolean | undefined = undefined;

  constructor(
    readonly set: CompiledSet,
    readonly strict: boolean,
  ) {
    this.attributes = set.destinations.map(({ row }) => parseAttributes(row.attrs, strict));
    this.lives = set.destinations.map(liveOf);
  }

  /** Saves the positions in its tables; the returned function restores them. */
  remember(): () => void {
    const { latencyOrder, weights, relative, lowest } = this;
    const back = [weights, relative, lowest].map((made) => made?.table.remember());
    return () => {
      Object.assign(this, { latencyOrder, weights, relative, lowest });
      for (const restore of back) restore?.();
    };
  }

  /**
   * A copy for the same destinations in another set, with the same positions in its tables, so that it chooses next
   * what this one would.
   */
  copyFor(set: CompiledSet): SetPlan {
    const copy = new SetPlan(set, this.strict);
    const copied = (made: CachedTable | undefined): CachedTable | undefined => {
      if (made === undefined) return undefined;
      const age = this.set.availability.version - made.version;
      return {
        ...made,
        table: made.table.copy(),
        version: this.strict ? made.version : set.availability.version - age,
      };
    };
    copy.weights = copied(this.weights);
    copy.lowest = copied(this.lowest);
    // The version of this table also counts changes of shares, even in a strict partition.
    const { relative } = this;
    const age = this.set.availability.version + this.shares - (relative?.version ?? 0);
    copy.relative = relative && {
      ...relative,
      table: relative.table.copy(),
      version: set.availability.version - age,
    };
    const { shared } = this.set;
    if (shared !== undefined) {
      const { version } = set.availability;
      const [weights, relative] = [this.sharedNow(shared, BY_WEIGHT), this.sharedNow(shared, BY_RELATIVE_WEIGHT)];
      copy.weights = weights && { ...weights, version: this.strict ? 0 : version };
      copy.relative = relative && { ...relative, version };
    }
    return copy;
  }

  /** Algorithm 9: the next position from the table. In a strict partition it may be down. */
  nextByWeight(end: number, random: Random): number {
    const { shared } = this.set;
    if (shared !== undefined) return this.nextOfAll(shared, BY_WEIGHT, end, random);
    const version = this.strict ? 0 : this.set.availability.version;
    if (this.weights === undefined || this.weights.version !== version || this.weights.end !== end) {
      this.weights = { table: this.tableByWeight(end, random), version, end };
    }
    return this.weights.table.next() % end;
  }

  private tableByWeight(end: number, random: Pick<Random, 'uint32'>): SlotTable {
    const weightOf = (position: number) => (this.attributes[position] as KamailioAttributes).weight;
    const table = this.strict
      ? recordedWeightSlots(
          this.attributes.map((each) => each.weight),
          random,
        )
      : proportionalSlots(this.activePositions(end), weightOf, random);
    return table ?? new SlotTable(new Int32Array(1));
  }

  /** Algorithm 11: the next position from the table, which has the shares of the active destinations. */
  nextByRelativeWeight(end: number, random: Random): number {
    const { shared } = this.set;
    if (shared !== undefined) return this.nextOfAll(shared, BY_RELATIVE_WEIGHT, end, random);
    const version = this.set.availability.version + this.shares;
    if (this.relative === undefined || this.relative.version !== version || this.relative.end !== end) {
      this.relative = { table: this.tableByRelativeWeight(end, random, this.relative?.table), version, end };
    }
    return this.relative.table.next() % end;
  }

  private tableByRelativeWeight(end: number, random: Pick<Random, 'uint32'>, before: SlotTable | undefined): SlotTable {
    const weightOf = (position: number) =>
      (this.lives[position] as KamailioLive).congestedWeight ??
      (this.attributes[position] as KamailioAttributes).rweight;
    const active = this.activePositions(end);
    const table = this.strict
      ? (recordedRelativeSlots(active, weightOf, random) ?? before)
      : proportionalSlots(active, weightOf, random);
    return table ?? new SlotTable(new Int32Array(1));
  }

  /**
   * Whether the shares of algorithms 9 and 11 depend only on attributes and states. They do not under congestion
   * control, nor in a strict partition where all shares may become 0: then the previous table stays in use.
   */
  get sharesAreFixed(): boolean {
    if (this.attributes.some((each) => each.congestionControl)) return false;
    const some = this.attributes.filter((each) => each.rweight > 0).length;
    return !this.strict || some === 0 || some === this.attributes.length;
  }

  /** The next position from a table that other processes use too. */
  private nextOfAll(shared: SharedColumns, which: number, end: number, random: Random): number {
    const slots = this.slotsIn(shared);
    return slots.next(which, this.markOf(which, end), end, random, this.maker(which)) % end;
  }

  /** A copy of a shared table in its current state, for this process alone. */
  private sharedNow(
    shared: SharedColumns,
    which: number,
  ): { readonly table: SlotTable; readonly end: number } | undefined {
    return this.slotsIn(shared).current(which, (end) => this.markOf(which, end), this.maker(which));
  }

  private slotsIn(shared: SharedColumns): SharedSlots {
    if (this.ofAll?.isOf(shared) !== true) this.ofAll = new SharedSlots(shared);
    return this.ofAll;
  }

  private maker(which: number): MakeTable {
    return (end, random) =>
      which === BY_WEIGHT ? this.tableByWeight(end, random) : this.tableByRelativeWeight(end, random, undefined);
  }

  /**
   * Identifies the conditions for which a table is made: the active positions; or constant if the table is never
   * remade. Not 0.
   */
  private markOf(which: number, end: number): number {
    if (this.strict && which === BY_WEIGHT) return 1;
    const { version } = this.set.availability;
    if (this.active?.version !== version || this.active.end !== end) {
      let mark = 0x811c9dc5;
      for (const position of this.activePositions(end)) mark = Math.imul(mark ^ position, 0x01000193);
      this.active = { version, end, mark: mark | 1 };
    }
    return this.active.mark;
  }

  /**
   * Algorithm 15: the next position from the table, which has the active destinations with the lowest priority number;
   * -1 without one.
   */
  nextByLowestPriority(end: number, random: Random): number {
    // In a strict partition, the table stays as it was made first (recorded).
    const version = this.strict ? 0 : this.set.availability.version;
    if (this.lowest === undefined || this.lowest.version !== version || this.lowest.end !== end) {
      const active = this.activePositions(end);
      const priorityOf = (position: number) => (this.set.destinations[position] as Destination).row.priority;
      const least = active.reduce((low, position) => Math.min(low, priorityOf(position)), Number.POSITIVE_INFINITY);
      const group = active.filter((position) => priorityOf(position) === least);
      const weightOf = (position: number) => (this.attributes[position] as KamailioAttributes).weight;
      const table = this.strict
        ? recordedPrioritySlots(group, weightOf, random)
        : proportionalSlots(group, weightOf, random);
      this.lowest = { table: table ?? new SlotTable(new Int32Array([-1])), version, end };
    }
    return this.lowest.table.next();
  }

  /** Algorithm 10: the position with the fewest calls that may get another; -1 when all active ones are full. */
  leastLoaded(end: number, calls: CallsInProgress): number {
    const { version } = this.set.availability;
    const { loads } = this;
    const { shared } = calls;
    if (loads === undefined || loads.version !== version || loads.end !== end || loads.shared !== shared) {
      return this.orderByLoad(version, end, shared).tree.least;
    }
    if (shared === undefined || shared.changes === loads.seen) return loads.tree.least;
    // Other processes have counted calls.
    const isKnown = shared.since(loads.seen, (counter) => {
      const position = loads.positions?.get(counter);
      if (position !== undefined) loads.tree.set(position, this.openLoad(position));
    });
    if (!isKnown) return this.orderByLoad(version, end, shared).tree.least;
    loads.seen = shared.changes;
    return loads.tree.least;
  }

  private orderByLoad(version: number, end: number, shared: SharedLoads | undefined): OrderByLoad {
    const tree = new LeastLoaded(end);
    const positions = shared && new Map<number, number>();
    const loads = { tree, version, end, shared, positions, seen: shared?.changes ?? 0 };
    this.loads = loads;
    const seen = new Set<KamailioLive>();
    for (let position = 0; position < end; position++) {
      const live = this.lives[position] as KamailioLive;
      // A destination with several rows counts once, at its first row.
      if (seen.has(live)) continue;
      seen.add(live);
      if (shared === undefined) {
        live.watcher = this;
        live.position = position;
      } else positions?.set(joined(live, shared), position);
      const load = this.openLoad(position);
      if (load !== undefined) tree.prepare(position, load);
    }
    tree.settle();
    return loads;
  }

  /** How many active positions before `end` may get another call. */
  openBefore(end: number, calls: CallsInProgress): number {
    this.leastLoaded(end, calls);
    return this.loads?.tree.count ?? 0;
  }

  /** The number of calls at a position has changed. */
  loadChanged(position: number): void {
    const { loads } = this;
    if (loads !== undefined && position < loads.end) loads.tree.set(position, this.openLoad(position));
  }

  /**
   * The numbers of the destinations' counters where several processes count together: writes them for the other
   * processes, or adopts them. False when a destination has no counter.
   */
  shareCalls(shared: SharedLoads, counters: Int32Array, writes: boolean): boolean {
    let isWhole = true;
    this.lives.forEach((live, position) => {
      if (writes) counters[position] = joined(live, shared);
      else {
        live.shared = shared;
        live.counter = counters[position] as number;
      }
      if (live.counter < 0) isWhole = false;
    });
    this.loads = undefined;
    return isWhole;
  }

  /** Whether all destinations have the same priority above 0 (algorithm 14). */
  get allOfOnePriority(): boolean {
    if (this.samePriority === undefined) {
      const first = this.set.destinations[0]?.row.priority ?? 0;
      this.samePriority = first > 0 && this.set.destinations.every(({ row }) => row.priority === first);
    }
    return this.samePriority;
  }

  /**
   * Congestion control after a probe: the weight of a destination with cc=1 is reduced by its latency above average.
   * Shares change only if every destination of the set has cc=1. If nothing remained of all weights, the least
   * congested destination gets the most (recorded from Kamailio 5.6.3).
   */
  congestionChanged(): void {
    const congestion = this.lives.map((live) => Math.max(0, live.latency?.congestion ?? 0));
    let left = 0;
    this.lives.forEach((live, position) => {
      const { congestionControl, weight } = this.attributes[position] as KamailioAttributes;
      if (!congestionControl || weight === 0) return;
      live.congestedWeight = Math.max(0, weight - (congestion[position] as number));
      left += live.congestedWeight;
    });
    if (!this.attributes.every((each) => each.congestionControl)) return;
    if (left === 0 && this.lives.length > 1) {
      const total = congestion.reduce((sum, each) => sum + each, 0);
      this.lives.forEach((live, position) => {
        live.congestedWeight = Math.trunc((total * 16) / Math.max(1, congestion[position] as number));
      });
    }
    this.shares++;
  }

  /** Whether any destination has a maxload=. */
  get bounded(): boolean {
    this.anyMaxload ??= this.attributes.some((each) => each.maxload > 0);
    return this.anyMaxload;
  }

  /** Whether the destination at a position has as many calls as its maxload= allows. */
  isFull(position: number): boolean {
    const { maxload } = this.attributes[position] as KamailioAttributes;
    if (maxload <= 0) return false;
    const live = this.lives[position] as KamailioLive;
    const calls = callsAt(live);
    const share = shareOf(live);
    return calls + elsewhereOf(live) >= maxload || (share !== undefined && calls >= share);
  }

  /** The number of calls at a position that may get another one, else undefined. */
  private openLoad(position: number): number | undefined {
    if (!this.set.isActive(position) || this.isFull(position)) return undefined;
    const live = this.lives[position] as KamailioLive;
    return callsAt(live) + elsewhereOf(live);
  }

  private activePositions(end: number): number[] {
    const positions: number[] = [];
    for (let i = this.set.nextActive(0, end); i >= 0; i = this.set.nextActive(i + 1, end)) positions.push(i);
    return positions;
  }
}

/** The plan of a set, created when first needed. */
export function planOf(set: CompiledSet, strict: boolean): SetPlan {
  return (set.own ??= new SetPlan(set, strict)) as SetPlan;
}
