import { readFileSync } from 'node:fs';

/** Attempts to get the lock before the thread sleeps between attempts. */
const SPINS = 2000;
const FEW_SPINS = 100;
const SLEEP_MS = 0.5;
/** Sleeps between two checks whether the holder still runs. */
const SLEEPS_PER_CHECK = 40;
/** Milliseconds after which a running holder counts as stuck. */
const STUCK_MS = 20_000;

const cell = new Int32Array(new SharedArrayBuffer(4));

/** Whether a process runs; false for one that has ended and whose parent has not noticed yet. */
export function isAlive(pid: number, read = (file: string): string => readFileSync(file, 'latin1')): boolean {
  try {
    const text = read(`/proc/${pid}/stat`);
    // The state follows the program's name, which is in parentheses and may itself contain some (proc(5)).
    return !/^ [ZX]/.test(text.slice(text.lastIndexOf(')') + 1));
  } catch (error) {
    // After another error (such as no free descriptor) the state is unknown, and the process counts as running.
    const { code } = error as NodeJS.ErrnoException;
    return code !== 'ENOENT' && code !== 'ESRCH';
  }
}

/** How a lock treats holders that keep it too long. */
export interface LockOptions {
  /** Whether a process runs. */
  readonly alive?: (pid: number) => boolean;
  /** Called when a holder has kept the lock for STUCK_MS, and again after each such period; undefined: keep waiting. */
  readonly stuck?: ((pid: number) => void) | undefined;
  /** Milliseconds of a clock that runs on while the thread waits. */
  readonly now?: () => number;
}

/**
 * A lock shared by several processes: a word of shared memory with the process ID of the holder. It is normally held
 * for microseconds, so only after a much longer wait it is checked whether the holder still runs; if not, the lock is
 * taken from it.
 */
export class SharedLock {
  private depth = 0;
  private readonly alive: (pid: number) => boolean;
  private readonly now: () => number;

  /** `owner`: the ID of this process. */
  constructor(
    private readonly words: Int32Array,
    private readonly at: number,
    private readonly owner = process.pid,
    private readonly options: LockOptions = {},
  ) {
    this.alive = options.alive ?? ((pid) => isAlive(pid));
    this.now = options.now ?? (() => performance.now());
  }

  /** Waits until no other process holds the lock, and takes it. May be nested. */
  enter(): void {
    if (this.depth++ > 0) return;
    const { words, at, owner } = this;
    let known = 0;
    let since = 0;
    for (let spins = 0; ; spins++) {
      const holder = Atomics.compareExchange(words, at, 0, owner);
      if (holder === 0) return;
      if (spins < SPINS) continue;
      if (spins % SLEEPS_PER_CHECK !== 0) {
        Atomics.wait(cell, 0, 0, SLEEP_MS);
        continue;
      }
      if (!this.alive(holder)) this.ended(holder);
      const now = this.now();
      if (holder !== known) since = now;
      known = holder;
      if (now - since < STUCK_MS) continue;
      this.options.stuck?.(holder);
      since = now;
    }
  }

  /** Like `enter`, but waits at most `ms` milliseconds; false: another process still holds it. */
  tryEnter(ms: number): boolean {
    if (this.depth > 0) {
      this.depth++;
      return true;
    }
    const { words, at, owner } = this;
    const end = this.now() + ms;
    for (let spins = 0; ; spins++) {
      const holder = Atomics.compareExchange(words, at, 0, owner);
      if (holder === 0) {
        this.depth++;
        return true;
      }
      if (spins % SLEEPS_PER_CHECK === 0 && !this.alive(holder)) this.ended(holder);
      else if (this.now() >= end) return false;
      else if (spins >= FEW_SPINS) Atomics.wait(cell, 0, 0, SLEEP_MS);
    }
  }

  /** Whether this process holds the lock. */
  get isHeld(): boolean {
    return this.depth > 0;
  }

  /** Releases the lock if that process held it. Call it when a process has ended, before its ID can be reused. */
  ended(pid: number): void {
    Atomics.compareExchange(this.words, this.at, pid, 0);
  }

  /** Releases the lock when called as often as `enter`. */
  leave(): void {
    if (--this.depth === 0) Atomics.compareExchange(this.words, this.at, this.owner, 0);
  }

  /** Runs a function while holding the lock. */
  hold<T>(run: () => T): T {
    this.enter();
    try {
      return run();
    } finally {
      this.leave();
    }
  }
}
