import type { Destination, Health } from '../engine/destination.js';

/** Upper bounds of the histogram buckets for all times, in milliseconds. */
export const TIME_BOUNDS: readonly number[] = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000];

/**
 * A histogram of times in milliseconds: the count of each bucket, and their sum. The last bucket has no upper bound.
 */
export class Times {
  readonly counts: number[] = new Array<number>(TIME_BOUNDS.length + 1).fill(0);
  sum = 0;
  count = 0;

  /** Counts a time in milliseconds. */
  observe(ms: number): void {
    let i = 0;
    while (i < TIME_BOUNDS.length && ms > (TIME_BOUNDS[i] as number)) i++;
    this.counts[i] = (this.counts[i] as number) + 1;
    this.sum += ms;
    this.count++;
  }

  /** Adds the counts of `other`. */
  add(other: Times): void {
    for (let i = 0; i < this.counts.length; i++)
      this.counts[i] = (this.counts[i] as number) + (other.counts[i] as number);
    this.sum += other.sum;
    this.count += other.count;
  }

  /** What was counted since the counts were `before`; the sum is unknown. */
  since(before: readonly number[]): Times {
    const recent = new Times();
    for (let i = 0; i < this.counts.length; i++) {
      const count = (this.counts[i] as number) - (before[i] ?? 0);
      recent.counts[i] = count;
      recent.count += count;
    }
    return recent;
  }

  /**
   * The time in milliseconds that this share (0 to 1) of the values did not exceed, interpolated within its bucket;
   * undefined without values.
   */
  quantile(share: number): number | undefined {
    if (this.count === 0) return undefined;
    let left = share * this.count;
    for (let i = 0; i < TIME_BOUNDS.length; i++) {
      const count = this.counts[i] as number;
      const low = i === 0 ? 0 : (TIME_BOUNDS[i - 1] as number);
      const high = TIME_BOUNDS[i] as number;
      if (left <= count && count > 0) return low + ((high - low) * left) / count;
      left -= count;
    }
    return TIME_BOUNDS[TIME_BOUNDS.length - 1];
  }
}

/** What was counted for one destination, since the start or since it was first loaded. */
export class DestinationFigures {
  /** INVITE requests sent to the destination. */
  calls = 0;
  /** Requests of other methods sent to it, without those inside dialogs. */
  requests = 0;
  /** Final replies by class (index 2 for 2xx to 6 for 6xx); index 0: no reply in time, or not sent. */
  readonly outcomes: number[] = [0, 0, 0, 0, 0, 0, 0];
  /** Requests that were sent to another destination after this one failed. */
  failovers = 0;
  /** INVITE requests without a final reply, and followed calls that have not ended. */
  inProgress = 0;
  /** From sending to the first reply above 100. */
  readonly first = new Times();
  /** From sending to the final reply. */
  readonly final = new Times();
  /** Round trips of probes. */
  readonly probes = new Times();

  /** Adds the figures of `other`. */
  add(other: DestinationFigures): void {
    this.calls += other.calls;
    this.requests += other.requests;
    for (let i = 0; i < 7; i++) this.outcomes[i] = (this.outcomes[i] as number) + (other.outcomes[i] as number);
    this.failovers += other.failovers;
    this.inProgress += other.inProgress;
    this.first.add(other.first);
    this.final.add(other.final);
    this.probes.add(other.probes);
  }
}

/** Size of the cache of figures, a power of two. */
const RECENT = 256;

/** The figures of all destinations. They are kept as long as the destination is in the table of its partition. */
export class FiguresTable {
  private readonly byHealth = new WeakMap<Health, DestinationFigures>();
  /** Destinations that got a request or a probe, by key; `used` removes those that are gone. */
  private readonly known = new Map<
    string,
    { readonly destination: Destination; readonly figures: DestinationFigures }
  >();

  /** A cache by the destination's serial number, with the figures. */
  private readonly recent = new Array<Destination | undefined>(RECENT).fill(undefined);
  private readonly recentFigures = new Array<DestinationFigures | undefined>(RECENT).fill(undefined);

  /** The figures of a destination, created when there are none. */
  of(destination: Destination): DestinationFigures {
    const slot = destination.serial & (RECENT - 1);
    const recent = this.recent[slot] === destination ? this.recentFigures[slot] : undefined;
    if (recent !== undefined) return recent;
    const figures = this.ofHealth(destination);
    this.recent[slot] = destination;
    this.recentFigures[slot] = figures;
    return figures;
  }

  private ofHealth(destination: Destination): DestinationFigures {
    const { health } = destination;
    let figures = this.byHealth.get(health);
    if (figures === undefined) {
      figures = new DestinationFigures();
      this.byHealth.set(health, figures);
      this.known.set(destination.key, { destination, figures });
    }
    return figures;
  }

  /** All destinations with figures for which `isThere` is true; the others are removed. */
  used(
    isThere: (destination: Destination) => boolean,
  ): readonly { readonly destination: Destination; readonly figures: DestinationFigures }[] {
    for (const [key, { destination }] of this.known) if (!isThere(destination)) this.known.delete(key);
    return [...this.known.values()];
  }

  /** The figures of a destination; undefined when it got no request and no probe. */
  find(destination: Destination): DestinationFigures | undefined {
    return this.byHealth.get(destination.health);
  }
}
