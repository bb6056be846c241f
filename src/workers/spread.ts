/** The load at which shares aim when several workers are needed, and the load above which another worker must help. */
const WANTED = 0.6;
const HIGH_LOAD = 0.7;
/** Above this load a worker may have more work than it reports. */
const FULL = 0.8;
/**
 * How many times as busy several workers together are as one worker would be with the same messages: the more workers
 * share the messages, the fewer each reads at once. Measured: 1.34 to 1.7.
 */
const DIVIDED = 1.3;
/**
 * Minimum milliseconds before a share is taken back, and the maximum after it was taken back too early several times.
 */
const HOLD_MS = 3000;
const LONGEST_HOLD_MS = 60_000;
/** A smaller change of a share is not made, since some requests of calls in progress then come to another worker. */
const MIN_CHANGE = 0.1;

/** What is needed to decide the shares of new requests. */
export interface SpreadOptions {
  readonly workers: number;
  /** The load of a worker, 0 to 1; undefined: it has not reported for a while. */
  readonly load: (worker: number) => number | undefined;
  /**
   * Makes the kernel distribute new requests by these shares, from worker 1 on; false: the old shares remain. Never
   * throws.
   */
  readonly apply: (shares: readonly number[]) => boolean;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/**
 * Distributes new requests to as few workers as the load requires: a worker with twice as many messages reads twice as
 * many together and wakes no more often. All go to the first worker while it has room; beyond that the next one helps.
 * A full worker cannot show how much work there is, so then all help at once. A share is taken back when fewer workers
 * have been enough for some seconds.
 */
export class Spread {
  /** From worker 1 on; the sum is 1. */
  shares: readonly number[];
  private readonly ready: boolean[];
  /** The largest total load, in units of one worker, since shares were enlarged or could have been reduced. */
  private maxSum = 0;
  private since = 0;
  /** Milliseconds before a share is taken back, and when one was last taken back. */
  private hold = HOLD_MS;
  private reduced: number | undefined = undefined;
  private looked = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: SpreadOptions) {
    this.ready = Array.from({ length: options.workers }, () => false);
    this.shares = this.ready.map((_, i) => (i === 0 ? 1 : 0));
  }

  /** Reads the loads and decides the shares. */
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
    // The loads are not read while there is nothing to do.
    if (now - this.looked > HOLD_MS) this.maxSum = sum;
    this.looked = now;
    if (busiest > HIGH_LOAD) {
      this.maxSum = busiest >= FULL ? this.ready.length : Math.max(this.maxSum, sum);
      this.since = now;
      if (this.reduced !== undefined) {
        // Whether the load needed the share that was taken back.
        const isEarly = now - this.reduced < 2 * this.hold;
        this.hold = isEarly ? Math.min(2 * this.hold, LONGEST_HOLD_MS) : HOLD_MS;
        this.reduced = undefined;
      }
      this.apply(sharesFor(this.maxSum, usable));
      return;
    }
    this.maxSum = Math.max(this.maxSum, sum);
    if (now - this.since < this.hold) return;
    const joined = sharesFor(this.maxSum / DIVIDED, usable);
    // Only with fewer workers do the same requests cost less.
    const fewer = countOf(joined) < countOf(shares) ? joined : sharesFor(this.maxSum, usable);
    this.maxSum = sum;
    this.since = now;
    if (meanOf(fewer) < meanOf(shares) && this.apply(fewer)) this.reduced = now;
  }

  /** A worker has started to work. */
  started(worker: number): void {
    this.ready[worker - 1] = true;
    this.look();
  }

  /** A worker has ended: new requests go to the others. */
  lost(worker: number): void {
    this.ready[worker - 1] = false;
    this.look();
  }

  /** Gives the shares of workers that have ended or are blocked to the others. */
  private distribute(usable: readonly boolean[], loads: readonly (number | undefined)[]): void {
    if (!usable.includes(true)) return;
    const sum = loads.reduce<number>((all, load = 0) => all + load, 0);
    this.maxSum = Math.max(this.maxSum, sum);
    this.since = this.options.now();
    this.change(sharesFor(this.maxSum, usable));
  }

  /**
   * The workers that are ready and report their load; all ready ones if none reports, since then the whole machine was
   * stopped.
   */
  private usable(loads: readonly (number | undefined)[]): readonly boolean[] {
    const { ready } = this;
    const reporting = ready.map((isReady, i) => isReady && loads[i] !== undefined);
    return reporting.includes(true) ? reporting : ready;
  }

  private apply(shares: readonly number[]): boolean {
    const isChange = shares.some((share, i) => Math.abs(share - (this.shares[i] as number)) >= MIN_CHANGE);
    return isChange && this.change(shares);
  }

  private change(shares: readonly number[]): boolean {
    const isTaken = this.options.apply(shares);
    if (isTaken) this.shares = shares;
    return isTaken;
  }
}

/** Number of workers with a share. */
function countOf(shares: readonly number[]): number {
  return shares.filter((share) => share > 0).length;
}

/** The average number of the workers to which requests go. */
function meanOf(shares: readonly number[]): number {
  return shares.reduce((sum, share, i) => sum + share * i, 0);
}

/** Shares with which as few as possible of the usable workers can do the work. */
function sharesFor(load: number, usable: readonly boolean[]): readonly number[] {
  const count = usable.filter(Boolean).length;
  const even = load >= WANTED * count && count > 1 && load > WANTED;
  const all = Math.max(load, Number.MIN_VALUE);
  let left = all;
  return usable.map((isUsable) => {
    if (!isUsable) return 0;
    if (even) return 1 / count;
    const part = count === 1 ? left : Math.min(left, WANTED);
    left -= part;
    return part / all;
  });
}
