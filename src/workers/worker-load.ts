import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { headOf, LOAD_WORDS, LOADS } from './shared-layout.js';

/** Milliseconds that a figure is taken over, and those between two times that the brain is told. */
const WINDOW_MS = 50;
const TOLD_MS = 100;
/** Part of its time from which on a worker tells the brain at once, in thousandths, where datagrams were left waiting. */
const BUSY = 900;
/** Milliseconds after which one that has said nothing stands still: it says something twice a second at least. */
const SILENT_MS = 1200;

/** How busy a worker is, which it writes into the memory that all share. */
export class LoadMeter {
  private readonly words: Int32Array;
  private before: EventLoopUtilization | undefined = undefined;
  private began = 0;
  private sleptBefore = 0;
  private last = 0;
  private told = 0;
  private wasFull = false;

  constructor(
    memory: ArrayBufferLike,
    worker: number,
    /** Monotonic milliseconds of the brain. */
    private readonly now: () => number,
    /** Milliseconds that the thread has slept within event loop iterations. */
    private readonly slept: () => number,
    /** Tells the brain that there is more to do than this worker can. */
    private readonly tell: () => void,
  ) {
    this.words = headOf(memory).subarray(LOADS + LOAD_WORDS * worker, LOADS + LOAD_WORDS * (worker + 1));
  }

  /** Looks again, when it is time. `full`: datagrams were left waiting. */
  look(at: number, full: boolean): void {
    if (full) this.wasFull = true;
    const elapsed = at - this.began;
    if (elapsed < WINDOW_MS) return;
    const used = performance.eventLoopUtilization();
    const slept = this.slept();
    const { before } = this;
    const active = before === undefined ? 0 : used.active - before.active - (slept - this.sleptBefore);
    this.before = used;
    this.sleptBefore = slept;
    this.began = at;
    const now = Math.max(0, Math.min(1000, Math.round((1000 * active) / elapsed)));
    const { words, wasFull } = this;
    // Over two windows, unless they are long.
    words[0] = elapsed > 2 * WINDOW_MS ? now : (now + this.last) >> 1;
    words[1] = this.now() | 0;
    this.last = now;
    this.wasFull = false;
    if (now < BUSY || !wasFull || at - this.told < TOLD_MS) return;
    this.told = at;
    this.tell();
  }
}

/** How busy the workers are, as the brain reads it. */
export class WorkerLoads {
  private readonly words: Int32Array;

  constructor(
    memory: ArrayBufferLike,
    private readonly now: () => number,
  ) {
    this.words = headOf(memory).subarray(LOADS);
  }

  /** The part of its time that a worker has something to do, 0 to 1; undefined: it has said nothing for long. */
  of(worker: number): number | undefined {
    const at = LOAD_WORDS * worker;
    const age = ((this.now() | 0) - (this.words[at + 1] as number)) | 0;
    return age > SILENT_MS ? undefined : (this.words[at] as number) / 1000;
  }

  /** A worker begins, or has ended. */
  clear(worker: number): void {
    this.words[LOAD_WORDS * worker] = 0;
    this.words[LOAD_WORDS * worker + 1] = this.now() | 0;
  }
}
