import type { Clock } from '../core/clock.js';

/** Milliseconds before the first retry of a partition that could not be loaded; doubled for each further one. */
const FIRST = 250;
/** Longest milliseconds between two tries: of a partition alone, and where others of the same server try too. */
const ALONE = 10_000;
const TOGETHER = 30_000;
/** Least milliseconds between two tries when the success of another partition wakes one. */
const WAKE_GAP = 1000;

/**
 * The partitions of one database server that could not be loaded yet. While the server is away each try of each of them
 * costs a connection: so they try less often than a single one would, and the first success wakes all others.
 */
export class ServerRetries {
  private readonly waiting = new Set<FirstLoadRetry>();

  /** Longest milliseconds that each of them waits. */
  get longest(): number {
    return this.waiting.size > 1 ? TOGETHER : ALONE;
  }

  /** A partition could not be loaded. */
  add(each: FirstLoadRetry): void {
    this.waiting.add(each);
  }

  /** A partition has been loaded, or is stopped; false: it had not failed. */
  remove(each: FirstLoadRetry): boolean {
    return this.waiting.delete(each);
  }

  /** The server answers again. */
  wakeAll(): void {
    for (const each of this.waiting) each.wake();
  }
}

/** Plans when a partition that could not be loaded is tried again. */
export class FirstLoadRetry {
  private delay = FIRST;
  private cancel: (() => void) | undefined = undefined;
  /** Monotonic milliseconds of the next try; undefined: none is planned. */
  private at: number | undefined = undefined;
  private beganAt = 0;
  /** Whether it was woken while a try was under way. */
  private woken = false;

  constructor(
    private readonly clock: Clock,
    private readonly server: ServerRetries,
    private readonly attempt: () => void,
  ) {}

  /** A try begins. */
  begins(): void {
    this.at = undefined;
    this.woken = false;
    this.beganAt = this.clock.monotonic();
  }

  /** The try has failed: plans the next one. */
  failed(): void {
    this.server.add(this);
    const { longest } = this.server;
    this.plan(this.woken ? WAKE_GAP : Math.min(this.delay, longest));
    this.delay = Math.min(this.delay * 2, longest);
  }

  /** The partition has been loaded. */
  succeeded(): void {
    const failedBefore = this.server.remove(this);
    this.delay = FIRST;
    this.cancel?.();
    this.at = undefined;
    if (failedBefore) this.server.wakeAll();
  }

  /** Another partition of the server has been loaded: tries soon. */
  wake(): void {
    if (this.at === undefined) {
      this.woken = true;
      return;
    }
    const now = this.clock.monotonic();
    const at = Math.max(now, this.beganAt + WAKE_GAP);
    if (at < this.at) this.plan(at - now);
  }

  /** The partition is stopped. */
  stop(): void {
    this.server.remove(this);
    this.cancel?.();
    this.at = undefined;
  }

  private plan(ms: number): void {
    this.cancel?.();
    this.at = this.clock.monotonic() + ms;
    this.cancel = this.clock.schedule(ms, this.attempt);
  }
}
