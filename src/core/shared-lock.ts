import { readFileSync } from 'node:fs';

/** Attempts to get the lock before the thread sleeps between two of them. */
const SPINS = 2000;
const FEW_SPINS = 100;
const SLEEP_MS = 0.5;
/** Sleeps between two looks whether the holder is still there. */
const SLEEPS_A_LOOK = 40;
/** Milliseconds after which a holder that is there counts as stuck. */
const STUCK_MS = 20_000;

const cell = new Int32Array(new SharedArrayBuffer(4));

/** Whether a process runs: not when it has ended and its parent has not yet noticed. */
export function isAlive(pid: number, read = (file: string): string => readFileSync(file, 'latin1')): boolean {
  try {
    const text = read(`/proc/${pid}/stat`);
    // The state stands after the name of the program, which is in parentheses and may have some itself (proc(5)).
    return !/^ [ZX]/.test(text.slice(text.lastIndexOf(')') + 1));
  } catch (error) {
    // Without a free descriptor, say, nothing is known of it.
    const { code } = error as NodeJS.ErrnoException;
    return code !== 'ENOENT' && code !== 'ESRCH';
  }
}

/** What a lock does about holders that keep it. */
export interface LockOptions {
  /** Whether a process runs. */
  readonly alive?: (pid: number) => boolean;
  /** Called with a holder that has kept the lock for seconds, and again after as long; undefined: it is waited for. */
  readonly stuck?: ((pid: number) => void) | undefined;
  /** Milliseconds of a clock that runs while the thread waits. */
  readonly now?: () => number;
}

/**
 * A lock of several processes in a word of the memory they share: the process id of who holds it. Nobody holds it beyond some
 * microseconds, so a holder that has ended is looked for only after waiting for much longer; then the lock is taken from it.
 */
export class SharedLock {
  private depth = 0;
  private readonly alive: (pid: number) => boolean;
  private readonly now: () => number;

  /** `owner`: the id of this process. */
  constructor(
    private readonly words: Int32Array,
    private readonly at: number,
    private readonly owner = process.pid,
    private readonly options: LockOptions = {},
  ) {
    this.alive = options.alive ?? ((pid) => isAlive(pid));
    this.now = options.now ?? (() => performance.now());
  }

  /** Waits until no other process has the lock. Within itself it may be called again. */
  enter(): void {
    if (this.depth++ > 0) return;
    const { words, at, owner } = this;
    let known = 0;
    let since = 0;
    for (let spins = 0; ; spins++) {
      const holder = Atomics.compareExchange(words, at, 0, owner);
      if (holder === 0) return;
      if (spins < SPINS) continue;
      if (spins % SLEEPS_A_LOOK !== 0) {
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

  /** As `enter`, for so many milliseconds at most; false: another process has it still. */
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
      if (spins % SLEEPS_A_LOOK === 0 && !this.alive(holder)) this.ended(holder);
      else if (this.now() >= end) return false;
      else if (spins >= FEW_SPINS) Atomics.wait(cell, 0, 0, SLEEP_MS);
    }
  }

  /** Whether this process has it. */
  get isHeld(): boolean {
    return this.depth > 0;
  }

  /** A process has ended: what it held is free. To be called before its id may be that of another one. */
  ended(pid: number): void {
    Atomics.compareExchange(this.words, this.at, pid, 0);
  }

  /** Releases the lock, when as often as it was taken. */
  leave(): void {
    if (--this.depth === 0) Atomics.compareExchange(this.words, this.at, this.owner, 0);
  }

  /** Runs something while no other process has the lock. */
  hold<T>(run: () => T): T {
    this.enter();
    try {
      return run();
    } finally {
      this.leave();
    }
  }
}
