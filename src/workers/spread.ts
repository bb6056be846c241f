/** Part of its time that a worker is to be busy where another one has to help, and that from which on it has to. */
const WANTED = 0.5;
const MOST = 0.6;
/** From here on a worker may have more to do than it says. */
const FULL = 0.8;
/** Milliseconds for which shares stay at least before one is taken back. */
const HOLD_MS = 3000;
/** Changes of a share below this are not worth what they cost: requests of calls under way that come to another worker. */
const LEAST_CHANGE = 0.1;

/** What the shares of new requests are decided with. */
export interface SpreadOptions {
  readonly workers: number;
  /** How busy a worker is, 0 to 1; undefined: it has said nothing for long. */
  readonly load: (worker: number) => number | undefined;
  /** Has the kernel spread new requests so, from worker 1 on; false: it goes on as before. Never throws. */
  readonly apply: (shares: readonly number[]) => boolean;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/**
 * Shares out new requests to as few workers as the load needs: one that handles twice as many messages reads twice as many together, and wakes no
 * oftener. While the first has room all go to it, beyond that the next helps. One that is full says nothing of how much there is to do: then all help at once.
 * A share is taken back once less has been enough for some seconds.
 */
export class Spread {
  /** From worker 1 on; they add up to 1. */
  shares: readonly number[];
  private readonly ready: boolean[];
  /** The most there was to do since shares became larger or could have become smaller, in times of one worker. */
  private most = 0;
  private since = 0;
  private looked = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: SpreadOptions) {
    this.ready = Array.from({ length: options.workers }, () => false);
    this.shares = this.ready.map((_, i) => (i === 0 ? 1 : 0));
  }

  /** Looks how busy the workers are. */
  look(): void {
    const { options, shares } = this;
    const loads = this.ready.map((_, i) => options.load(i + 1));
    const usable = this.usable(loads);
    if (shares.some((share, i) => share > 0 && usable[i] !== true)) {
      this.distribute(usable, loads);
      return;
    }
    let [sum, busiest] = [0, 0];
    for (const [i, load = 0] of loads.entries()) {
      if (usable[i] !== true) continue;
      sum += load;
      if ((shares[i] as number) > 0) busiest = Math.max(busiest, load);
    }
    const now = options.now();
    // Nobody looks while there is nothing to do.
    if (now - this.looked > HOLD_MS) this.most = sum;
    this.looked = now;
    if (busiest > MOST) {
      this.most = busiest >= FULL ? this.ready.length : Math.max(this.most, sum);
      this.since = now;
      this.apply(sharesFor(this.most, usable));
      return;
    }
    this.most = Math.max(this.most, sum);
    if (now - this.since < HOLD_MS) return;
    const fewer = sharesFor(this.most, usable);
    this.most = sum;
    this.since = now;
    if (meanOf(fewer) < meanOf(shares)) this.apply(fewer);
  }

  /** A worker has begun to work. */
  started(worker: number): void {
    this.ready[worker - 1] = true;
    this.look();
  }

  /** A worker has ended: new requests go to the others. */
  lost(worker: number): void {
    this.ready[worker - 1] = false;
    this.look();
  }

  /** Gives what a worker had that is no more, or stands still, to the others. */
  private distribute(usable: readonly boolean[], loads: readonly (number | undefined)[]): void {
    if (!usable.includes(true)) return;
    const sum = loads.reduce<number>((all, load = 0) => all + load, 0);
    this.most = Math.max(this.most, sum);
    this.since = this.options.now();
    this.change(sharesFor(this.most, usable));
  }

  /** Workers that are ready and report their load; all that are ready where none reports, since then the whole machine was stopped. */
  private usable(loads: readonly (number | undefined)[]): readonly boolean[] {
    const { ready } = this;
    const reporting = ready.map((isReady, i) => isReady && loads[i] !== undefined);
    return reporting.includes(true) ? reporting : ready;
  }

  private apply(shares: readonly number[]): void {
    if (shares.some((share, i) => Math.abs(share - (this.shares[i] as number)) >= LEAST_CHANGE)) this.change(shares);
  }

  private change(shares: readonly number[]): void {
    if (this.options.apply(shares)) this.shares = shares;
  }
}

/** The position of the workers that requests go to, on average. */
function meanOf(shares: readonly number[]): number {
  return shares.reduce((sum, share, i) => sum + share * i, 0);
}

/** Shares by which what there is to do is done by as few as can, of those that are usable. */
function sharesFor(most: number, usable: readonly boolean[]): readonly number[] {
  const count = usable.filter(Boolean).length;
  const even = most >= WANTED * count && count > 1 && most > WANTED;
  const all = Math.max(most, Number.MIN_VALUE);
  let left = all;
  return usable.map((isUsable) => {
    if (!isUsable) return 0;
    if (even) return 1 / count;
    const part = count === 1 ? left : Math.min(left, WANTED);
    left -= part;
    return part / all;
  });
}
