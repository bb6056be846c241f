import { type CompiledSet, NONE } from './compiled-set.js';
import type { Destination } from './destination.js';

/** The remaining targets; each call of `next` removes one. */
export interface Targets {
  /** The next target; undefined when there is none left. */
  next(): Destination | undefined;
  /** A copy that can be read without removing targets from the original. */
  copy(): Targets;
}

/**
 * The destinations of a set after the chosen position: first the active ones after it, continuing at 0, then the
 * default, active or not. They are found one at a time, so a large set costs nothing for a call that does not fail
 * over. Destinations that have gone down since the selection are skipped.
 */
export class RestOfSet implements Targets {
  private wrapped = false;

  constructor(
    private readonly set: CompiledSet,
    private readonly chosen: number,
    private readonly end: number,
    private remaining: number,
    /** Position of the default destination if it remains, else NONE. */
    private last: number,
    private from = chosen + 1,
    /** Whether to skip an active position. */
    private readonly refuses: ((position: number) => boolean) | undefined = undefined,
  ) {}

  next(): Destination | undefined {
    if (this.remaining > 0) {
      if (!this.wrapped) {
        const position = this.following(this.end);
        if (position !== NONE) return this.take(position);
        this.wrapped = true;
        this.from = 0;
      }
      const position = this.following(Math.min(this.chosen, this.end));
      if (position !== NONE) return this.take(position);
      this.remaining = 0;
    }
    if (this.last === NONE) return undefined;
    const position = this.last;
    this.last = NONE;
    return this.set.destinations[position];
  }

  copy(): Targets {
    const { set, chosen, end, remaining, last, from, refuses } = this;
    const copy = new RestOfSet(set, chosen, end, remaining, last, from, refuses);
    copy.wrapped = this.wrapped;
    return copy;
  }

  private following(end: number): number {
    let position = this.set.nextActive(this.from, end);
    while (position !== NONE && this.refuses?.(position) === true) position = this.set.nextActive(position + 1, end);
    return position;
  }

  private take(position: number): Destination | undefined {
    this.from = position + 1;
    this.remaining--;
    return this.set.destinations[position];
  }
}

/**
 * The destinations of a set in the order of a ranking, then the default. The ranking may be computed when it is needed.
 */
export class RestOfRanking implements Targets {
  constructor(
    private readonly set: CompiledSet,
    private order: Int32Array | (() => Int32Array),
    private readonly chosen: number,
    private remaining: number,
    private last: number,
    private at = 0,
  ) {}

  next(): Destination | undefined {
    if (this.remaining > 0 && typeof this.order === 'function') this.order = this.order();
    while (this.remaining > 0 && this.at < this.order.length) {
      const position = (this.order as Int32Array)[this.at++] as number;
      if (position === this.chosen || !this.set.isActive(position)) continue;
      this.remaining--;
      return this.set.destinations[position];
    }
    if (this.last === NONE) return undefined;
    const position = this.last;
    this.last = NONE;
    return this.set.destinations[position];
  }

  copy(): Targets {
    return new RestOfRanking(this.set, this.order, this.chosen, this.remaining, this.last, this.at);
  }
}

/** A fixed list of targets: written by a script, or the chosen destination alone. */
export class GivenTargets implements Targets {
  constructor(
    private readonly destinations: readonly Destination[],
    private at = 0,
  ) {}

  next(): Destination | undefined {
    return this.destinations[this.at++];
  }

  copy(): Targets {
    return new GivenTargets(this.destinations, this.at);
  }
}

/** The empty list of targets. */
export const NO_TARGETS: Targets = { next: () => undefined, copy: () => NO_TARGETS };
