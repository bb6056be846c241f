import type { Availability, Destination, Health } from './destination.js';
import { LiveHealth } from './live-health.js';
import { hashModulo, RunningWeights } from './running-weights.js';
import type { DestinationSet } from './set.js';
import type { SharedColumns } from './shared-columns.js';
import { weightOf } from './weight.js';

/** When a position's hit count reaches this value, it is added to the health and reset. */
const FULL_COLUMN = 2 ** 31;
const NO_BYTES = new Uint8Array(0);

/** Returned instead of a position when no destination is usable. */
export const NONE = -1;

/**
 * A set prepared for selection. Cumulative weights are computed once, and again when a weight changes at run time. Data
 * that depends on availability (the active positions and their cumulative weights) is rebuilt at the first selection
 * after a destination became usable or unusable. So a selection costs one binary search, however many destinations are
 * down.
 * In the methods below, `end` is the number of positions to choose from: all, or all but the last (the default
 * destination).
 */
export class CompiledSet implements DestinationSet {
  /** The position that was last chosen by any algorithm; round robin continues there. */
  last = 0;
  /** Data that the algorithms of the flavour keep for this set; undefined until they need it. */
  own: object | undefined = undefined;
  /** The shared memory if other processes select from this set too, else undefined. */
  shared: SharedColumns | undefined = undefined;
  private readonly running: RunningWeights;
  /** Active positions, ascending; undefined while all are active, or before the first selection. */
  private activeAt: Int32Array | undefined = undefined;
  private activeRunning: RunningWeights | undefined = undefined;
  private activeSpace: Int32Array | undefined = undefined;
  private seen: number;
  /** The version of the weights from which `running` was computed. */
  private weighed: number | undefined = undefined;
  private taken: Int32Array | undefined = undefined;
  /** 1 for each active position; not used while all are active. */
  private usable: Uint8Array = NO_BYTES;
  /** Selections by position, since the healths count here. */
  private hits: Uint32Array;
  /** The position that counts for each position; undefined when every position has a health of its own. */
  private countedAt: Int32Array | undefined = undefined;

  constructor(
    readonly id: number,
    readonly destinations: readonly Destination[],
    readonly availability: Availability,
  ) {
    const n = destinations.length;
    this.running = new RunningWeights(n);
    this.hits = new Uint32Array(n);
    this.weigh();
    this.seen = availability.version - 1;
  }

  /** Whether the destination at `position` may be selected. Reads one byte of an array and no object. */
  isActive(position: number): boolean {
    if (this.seen !== this.availability.version) this.rebuild();
    return this.activeAt === undefined || this.usable[position] === 1;
  }

  /** Counts a selection that chose `position` first (Health.hits). */
  countHit(position: number): void {
    const at = this.countedAt === undefined ? position : (this.countedAt[position] as number);
    const count = (this.hits[at] as number) + 1;
    this.hits[at] = count;
    // An entry has 32 bits; it is added to the health before it overflows.
    if (count >= FULL_COLUMN) this.carry(at);
  }

  private carry(position: number): void {
    const { health } = this.destinations[position] as Destination;
    if (health instanceof LiveHealth) health.carry();
  }

  /**
   * Makes the healths of positions `from` up to (not including) `to` count their hits in this set. Called once for each
   * position when the set comes into use. Positions that share a health count at the first of them.
   */
  takeCounts(from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const { health } = this.destinations[i] as Destination;
      if (!(health instanceof LiveHealth)) continue;
      const at = health.countIn(this.hits, i);
      if (at === i) continue;
      this.countedAt ??= Int32Array.from(this.destinations.keys());
      this.countedAt[i] = at;
      this.hits[at] = (this.hits[at] as number) + (this.hits[i] as number);
      this.hits[i] = 0;
    }
  }

  /** Number of active destinations before position `end`. */
  activeBefore(end: number): number {
    if (this.seen !== this.availability.version) this.rebuild();
    if (this.activeAt === undefined || this.activeRunning === undefined) return Math.min(end, this.destinations.length);
    const { count } = this.activeRunning;
    if (end >= this.destinations.length || count === 0) return count;
    return lowerBound(this.activeAt, count, end);
  }

  /** The first active position from `from` to before `end`; NONE if there is none. */
  nextActive(from: number, end: number): number {
    if (from >= end) return NONE;
    if (this.isActive(from)) return from;
    if (this.seen !== this.availability.version) this.rebuild();
    if (this.activeAt === undefined || this.activeRunning === undefined) return from;
    const { count } = this.activeRunning;
    const i = lowerBound(this.activeAt, count, from);
    if (i === count) return NONE;
    const position = this.activeAt[i] as number;
    return position < end ? position : NONE;
  }

  /** The n-th active position, from 0; it must exist. */
  nthActive(n: number): number {
    if (this.seen !== this.availability.version) this.rebuild();
    return this.activeAt === undefined ? n : (this.activeAt[n] as number);
  }

  /** `candidate` if it is active, else the next active position after it, continuing at 0 after `end`. */
  stepToActive(candidate: number, end: number): number {
    if (this.isActive(candidate)) return candidate;
    const start = (candidate + 1) % end;
    const found = this.nextActive(start, end);
    return found !== NONE || start === 0 ? found : this.nextActive(0, end);
  }

  /**
   * The position that a hash selects by weight. First all positions are considered; when the result is down, only the
   * active ones. If all weights are 0, positions count equally.
   */
  byHash(hash: number, end: number): number {
    if (this.weighed !== this.availability.weights) this.weigh();
    const total = this.running.totalOf(end);
    const candidate = total > 0 ? this.running.find(hashModulo(hash, total)) : hashModulo(hash, end);
    if (this.isActive(candidate)) return candidate;
    const count = this.activeBefore(end);
    if (count === 0 || this.activeAt === undefined || this.activeRunning === undefined) return NONE;
    const activeTotal = this.activeRunning.totalOf(count);
    const i = activeTotal > 0 ? this.activeRunning.find(hashModulo(hash, activeTotal)) : hashModulo(hash, count);
    return this.activeAt[i] as number;
  }

  /**
   * The next position of weighted round robin, active or not: the last chosen one until round robin has taken it
   * `weight` times in a row, then the one after it.
   */
  roundRobin(end: number): number {
    const taken = this.taken ?? (this.taken = new Int32Array(this.destinations.length));
    const last = this.last;
    if ((taken[last] as number) < weightOf(this.destinations[last] as Destination)) return last;
    taken[last] = 0;
    return (last + 1) % end;
  }

  /** Counts a choice of `position` for round robin. */
  countChoice(position: number): void {
    const taken = this.taken ?? (this.taken = new Int32Array(this.destinations.length));
    taken[position] = (taken[position] as number) + 1;
  }

  /** Sets where round robin begins: at a fraction (0 to below 1) of the set. */
  beginAt(part: number): void {
    this.enter();
    this.last = Math.floor(part * this.destinations.length);
    this.leave();
  }

  /**
   * Takes the lock of the shared memory, if there is one, so that no other process selects until `leave`; continues
   * from the position that the last process chose.
   */
  enter(): void {
    const { shared } = this;
    if (shared === undefined) return;
    shared.enter();
    this.last = shared.last;
    if (shared.isStale) this.takeStates(shared);
  }

  /** Ends a selection begun with `enter`: writes the last position to the shared memory and releases the lock. */
  leave(): void {
    const { shared } = this;
    if (shared === undefined) return;
    shared.last = this.last;
    shared.leave();
  }

  /**
   * From now on positions, counts and states are in `columns`, shared with other processes. If this process `writes`
   * the states, it copies them there.
   */
  share(columns: SharedColumns, writes: boolean): void {
    this.unshare();
    const { destinations } = this;
    if (writes) {
      columns.last = this.last;
      columns.taken.fill(0);
      if (this.taken !== undefined) columns.taken.set(this.taken);
      columns.hits.fill(0);
      columns.slots.fill(0);
      for (const [position, { health }] of destinations.entries()) columns.setState(position, health.state);
      columns.publish();
      columns.see();
    }
    this.taken = columns.taken;
    this.hits = columns.hits;
    this.shared = columns;
    if (writes) this.takeCounts(0, destinations.length);
  }

  /** Stops sharing; the last known states stay. */
  unshare(): void {
    const { shared, destinations } = this;
    if (shared === undefined) return;
    shared.enter();
    this.last = shared.last;
    this.taken = shared.taken.slice();
    this.hits = new Uint32Array(destinations.length);
    for (let i = 0; i < destinations.length; i++) {
      const { health } = destinations[i] as Destination;
      if (health instanceof LiveHealth && health.isCountedIn(shared.hits)) health.countIn(this.hits, i);
    }
    this.shared = undefined;
    shared.leave();
  }

  /** Adds hits to the healths that were counted here after another set took over the counting. */
  handOverHits(): void {
    const { destinations, hits } = this;
    for (let i = 0; i < hits.length; i++) {
      const { health } = destinations[i] as Destination;
      if (hits[i] === 0 || !(health instanceof LiveHealth) || health.isCountedIn(hits)) continue;
      health.hits += hits[i] as number;
      hits[i] = 0;
    }
  }

  /** The state of a destination of this set changed: writes it to the shared memory. */
  publishState(destination: Destination): void {
    const { shared, destinations } = this;
    if (shared === undefined) return;
    const { health, index } = destination;
    // Few positions share a health; they are found by a search.
    if (this.countedAt === undefined && destinations[index]?.health === health) shared.setState(index, health.state);
    else {
      destinations.forEach((each, position) => {
        if (each.health === health) shared.setState(position, health.state);
      });
    }
    shared.publish();
    shared.see();
  }

  /** Reads states that another process has written. */
  takeStates(shared: SharedColumns): void {
    shared.see();
    const { destinations, availability } = this;
    for (let i = 0; i < destinations.length; i++) {
      const { health } = destinations[i] as Destination;
      health.state = shared.state(i);
    }
    availability.version++;
  }

  /**
   * Continues from the positions and round robin counts of `earlier`, the same set in the snapshot before. Destinations
   * are matched by their Health; several positions with one Health are not distinguished.
   */
  continueFrom(earlier: CompiledSet): void {
    const lastHealth = earlier.destinations[earlier.shared?.last ?? earlier.last]?.health;
    const counts = new Map<Health, number>();
    for (let i = 0; earlier.taken !== undefined && i < earlier.taken.length; i++) {
      const count = earlier.taken[i] as number;
      if (count > 0) counts.set((earlier.destinations[i] as Destination).health, count);
    }
    let found = false;
    this.taken?.fill(0);
    for (let i = 0; i < this.destinations.length; i++) {
      const { health } = this.destinations[i] as Destination;
      if (!found && health === lastHealth) {
        this.last = i;
        found = true;
      }
      const count = counts.size === 0 ? undefined : counts.get(health);
      if (count !== undefined) {
        this.taken ??= new Int32Array(this.destinations.length);
        this.taken[i] = count;
      }
    }
  }

  /** Copies the round robin positions from the same set of another engine, which is not changed. */
  copyPositions(other: CompiledSet): void {
    // Other processes may have selected since.
    this.last = other.shared?.last ?? other.last;
    this.taken = other.taken?.slice();
    this.own = (other.own as { copyFor?(set: CompiledSet): object } | undefined)?.copyFor?.(this);
  }

  /**
   * Saves everything that a selection changes: positions, round robin counts, hits, and the data of the flavour. The
   * returned function restores it, so that a selection can be tried without effect. It must be called in the same event
   * loop iteration, since other processes wait for the lock.
   */
  remember(): () => void {
    this.enter();
    const { last, taken, own } = this;
    const counts = taken?.slice();
    const hits = this.hits.slice();
    const slots = this.shared?.slots.slice();
    const back = (own as { remember?(): () => void } | undefined)?.remember?.();
    return () => {
      this.last = last;
      if (this.shared === undefined) this.taken = counts;
      else this.taken?.set(counts ?? []);
      this.hits.set(hits);
      if (slots !== undefined) this.shared?.slots.set(slots);
      if (back === undefined) this.own = own;
      else back();
      this.leave();
    };
  }

  private weigh(): void {
    const { running, destinations } = this;
    this.weighed = this.availability.weights;
    running.clear();
    for (const destination of destinations) running.add(weightOf(destination));
    running.finish();
  }

  private rebuild(): void {
    const { destinations } = this;
    this.seen = this.availability.version;
    const size = destinations.length;
    let i = 0;
    while (i < size && isUsable(destinations[i] as Destination)) i++;
    if (i === size) {
      this.activeAt = undefined;
      return;
    }
    const usable = this.usable.length === size ? this.usable : new Uint8Array(size);
    const activeAt = (this.activeSpace ??= new Int32Array(destinations.length));
    const running = (this.activeRunning ??= new RunningWeights(destinations.length));
    running.clear();
    for (i = 0; i < destinations.length; i++) {
      const destination = destinations[i] as Destination;
      usable[i] = isUsable(destination) ? 1 : 0;
      if (usable[i] === 0) continue;
      activeAt[running.count] = i;
      running.add(weightOf(destination));
    }
    running.finish();
    this.usable = usable;
    this.activeAt = activeAt;
  }
}

function isUsable({ health }: Destination): boolean {
  return health.state === 'active';
}

/** The index of the first of `count` ascending positions that is at least `value`; `count` if there is none. */
function lowerBound(positions: Int32Array, count: number, value: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((positions[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
