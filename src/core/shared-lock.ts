import { readFileSync } from 'node:fs';

/** Attempts to get the lock before the thread sleeps between two of them. */
const SPINS = 2000;
const SLEEP_MS = 0.5;
/** Sleeps between two looks whether the holder is still there. */
const SLEEPS_A_LOOK = 40;

const cell = new Int32Array(new SharedArrayBuffer(4));

/** Whether a process runs: not when it has ended and its parent has not yet noticed. */
export function isAlive(pid: number): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The state stands behind the name of the program, which is in parentheses and may have some itself (proc(5)).
    return !/^ [ZX]/.test(text.slice(text.lastIndexOf(')') + 1));
  } catch {
    return false;
  }
}

/**
 * A lock of several processes in a word of the memory they share: the process id of who holds it. Nobody holds it beyond some
 * microseconds, so a holder that has ended is looked for only after waiting for much longer; then the lock is taken from it.
 */
export class SharedLock {
  private depth = 0;

  /** `owner`: the id of this process. */
  constructor(
    private readonly words: Int32Array,
    private readonly at: number,
    private readonly owner = process.pid,
    private readonly alive: (pid: number) => boolean = isAlive,
  ) {}

  /** Waits until no other process has the lock. Within itself it may be called again. */
  enter(): void {
    if (this.depth++ > 0) return;
    const { words, at, owner } = this;
    for (let spins = 0; ; spins++) {
      const holder = Atomics.compareExchange(words, at, 0, owner);
      if (holder === 0) return;
      if (spins < SPINS) continue;
      if (spins % SLEEPS_A_LOOK === 0 && !this.alive(holder)) Atomics.compareExchange(words, at, holder, 0);
      else Atomics.wait(cell, 0, 0, SLEEP_MS);
    }
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
