import type { Availability, Destination, Health } from './destination.js';
import { LiveHealth } from './live-health.js';
import { hashModulo, RunningWeights } from './running-weights.js';
import type { DestinationSet } from './set.js';
import type { SharedColumns } from './shared-columns.js';
import { weightOf } from './weight.js';

/** Count at which a column's entry is carried over. */
const FULL_COLUMN = 2 ** 31;
const NO_BYTES = new Uint8Array(0);

/** No destination: nothing usable is left. */
export const NONE = -1;

/**
 * A set compiled for selection. Running weights are summed once, and again after a feed changed one; what depends on availability (which positions are
 * active, their running weights) is rebuilt when first asked for after a destination became usable or unusable, so a
 * selection costs a binary search however many destinations are down.
 *
 * `end` in the methods below is the number of positions that take part: all, or all but the last (the default).
 */
export class CompiledSet implements DestinationSet {
  /** Position last chosen by any algorithm, where round robin goes on. */
  last = 0;
  /** What the algorithms of its flavour keep of this set; undefined until they need it. */
  own: object | undefined = undefined;
  /** What other processes select from, too; undefined: this one alone selects. */
  shared: SharedColumns | undefined = undefined;
  private readonly running: RunningWeights;
  /** Active positions, ascending; undefined while all are active, and before the first query. */
  private activeAt: Int32Array | undefined = undefined;
  private activeRunning: RunningWeights | undefined = undefined;
  private activeSpace: Int32Array | undefined = undefined;
  private seen: number;
  /** Version of the weights that `running` was summed from. */
  private weighed: number | undefined = undefined;
  private taken: Int32Array | undefined = undefined;
  /** 1 for positions that are active; of no meaning while all are. */
  private usable: Uint8Array = NO_BYTES;
  /** Selections by position, since the healths count here. */
  private hits: Uint32Array;
  /** Where each position is counted; undefined while each has a health of its own. */
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

  /** Whether the destination at `position` may be selected. Reads no object: one byte for each position. */
  isActive(position: number): boolean {
    if (this.seen !== this.availability.version) this.rebuild();
    return this.activeAt === undefined || this.usable[position] === 1;
  }

  /** Counts a selection that chose `position` first (Health.hits). */
  countHit(position: number): void {
    const at = this.countedAt === undefined ? position : (this.countedAt[position] as number);
    const count = (this.hits[at] as number) + 1;
    this.hits[at] = count;
    // The column holds 32 bits: what it cannot goes to the health, once in two thousand million selections.
    if (count >= FULL_COLUMN) this.carry(at);
  }

  private carry(position: number): void {
    const { health } = this.destinations[position] as Destination;
    if (health instanceof LiveHealth) health.carry();
  }

  /**
   * Makes the healths of positions `from` to `to` (exclusive) count in this set: to be called once for each when the set is
   * in use. Positions that share a health count at the first of them.
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

  /** The first active position from `from` on, before `end`; NONE when there is none. */
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

  /** The active position with number `n` among the active ones, counted from 0; there must be that many. */
  nthActive(n: number): number {
    if (this.seen !== this.availability.version) this.rebuild();
    return this.activeAt === undefined ? n : (this.activeAt[n] as number);
  }

  /** `candidate` when it is active, else the next active position after it, wrapping round before `end`. */
  stepToActive(candidate: number, end: number): number {
    if (this.isActive(candidate)) return candidate;
    const start = (candidate + 1) % end;
    const found = this.nextActive(start, end);
    return found !== NONE || start === 0 ? found : this.nextActive(0, end);
  }

  /**
   * The position a hash falls on by weight, over all positions first; when that one is down, over the active ones alone.
   * Where all weights are 0 positions are counted instead.
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
   * Where weighted round robin goes next, available or not: it stays on the position last chosen until that was taken
   * `weight` times in a row by round robin, then goes one on.
   */
  roundRobin(end: number): number {
    const taken = this.taken ?? (this.taken = new Int32Array(this.destinations.length));
    const last = this.last;
    if ((taken[last] as number) < weightOf(this.destinations[last] as Destination)) return last;
    taken[last] = 0;
    return (last + 1) % end;
  }

  /** Counts one round robin choice of `position`. */
  countChoice(position: number): void {
    const taken = this.taken ?? (this.taken = new Int32Array(this.destinations.length));
    taken[position] = (taken[position] as number) + 1;
  }

  /** Round robin begins at this part (0 to below 1) of the set. */
  beginAt(part: number): void {
    this.enter();
    this.last = Math.floor(part * this.destinations.length);
    this.leave();
  }

  /** Goes on where any process stopped, and keeps others from selecting until `leave`. */
  enter(): void {
    const { shared } = this;
    if (shared === undefined) return;
    shared.enter();
    this.last = shared.last;
    if (shared.isStale) this.takeStates(shared);
  }

  /** Ends a selection that `enter` began: in shared memory the position last chosen is written and the lock freed. */
  leave(): void {
    const { shared } = this;
    if (shared === undefined) return;
    shared.last = this.last;
    shared.leave();
  }

  /** From now on positions, counts and states are those of `columns`, where this process puts its own if it `writes` the states. */
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

  /** Selects alone from now on, with the states known last. */
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

  /** Counts that came here after the healths began to count in another set go to them. */
  handOverHits(): void {
    const { destinations, hits } = this;
    for (let i = 0; i < hits.length; i++) {
      const { health } = destinations[i] as Destination;
      if (hits[i] === 0 || !(health instanceof LiveHealth) || health.isCountedIn(hits)) continue;
      health.hits += hits[i] as number;
      hits[i] = 0;
    }
  }

  /** A destination of this set has another state: other processes are to see it. */
  publishState(destination: Destination): void {
    const { shared, destinations } = this;
    if (shared === undefined) return;
    const { health, index } = destination;
    // Positions that share a health are looked for; most have one of their own.
    if (this.countedAt === undefined && destinations[index]?.health === health) shared.setState(index, health.state);
    else {
      destinations.forEach((each, position) => {
        if (each.health === health) shared.setState(position, health.state);
      });
    }
    shared.publish();
    shared.see();
  }

  /** Takes states that another process has written. */
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
   * Continues from the state of `earlier`, the same set as loaded before: position and round robin counts of what is
   * still there. A destination is recognised by its Health; positions that share one are not distinguished.
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

  /** Takes over from the same set of another engine where round robin and the like stand; the other one is not changed. */
  copyPositions(other: CompiledSet): void {
    this.last = other.last;
    this.taken = other.taken?.slice();
    this.own = (other.own as { copyFor?(set: CompiledSet): object } | undefined)?.copyFor?.(this);
  }

  /**
   * Saves what a selection changes: positions, round robin counts, counts of hits, and what its flavour keeps. The
   * returned function restores it, so that a selection can be tried. To be called in the same event loop iteration, always: other
   * processes wait for it.
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

/** Index of the first of `count` ascending positions that is not below `value`; `count` when all are. */
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
