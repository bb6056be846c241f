import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { headOf, LOAD_WORDS, LOADS } from './shared-layout.js';

/** Milliseconds over which the load is measured, and the fewest between two notifications of the brain. */
const WINDOW_MS = 50;
const NOTIFY_MS = 100;
/** Load, in thousandths, from which on a worker notifies the brain at once if datagrams were left waiting. */
const BUSY = 900;
/** Milliseconds without a report after which a worker counts as stopped: it reports at least twice a second. */
const SILENT_MS = 1200;

/** Measures how busy this worker is and writes that into the shared memory. */
export class LoadMeter {
  private readonly words: Int32Array;
  private before: EventLoopUtilization | undefined = undefined;
  private began = 0;
  private sleptBefore = 0;
  private last = 0;
  private notified = 0;
  private wasFull = false;

  constructor(
    memory: ArrayBufferLike,
    worker: number,
    /** Monotonic milliseconds of the brain. */
    private readonly now: () => number,
    /** Milliseconds that the thread has slept within event loop iterations. */
    private readonly slept: () => number,
    /** Notifies the brain that this worker is overloaded. */
    private readonly notify: () => void,
  ) {
    this.words = headOf(memory).subarray(LOADS + LOAD_WORDS * worker, LOADS + LOAD_WORDS * (worker + 1));
  }

  /** Measures, once every WINDOW_MS. `full`: datagrams were left waiting. */
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
    // The mean of this window and the last one, unless the window is much longer than usual.
    words[0] = elapsed > 2 * WINDOW_MS ? now : (now + this.last) >> 1;
    words[1] = this.now() | 0;
    this.last = now;
    this.wasFull = false;
    if (now < BUSY || !wasFull || at - this.notified < NOTIFY_MS) return;
    this.notified = at;
    this.notify();
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

  /** The part of its time for which a worker is busy, 0 to 1; undefined: it has not reported for SILENT_MS. */
  of(worker: number): number | undefined {
    const at = LOAD_WORDS * worker;
    const age = ((this.now() | 0) - (this.words[at + 1] as number)) | 0;
    return age > SILENT_MS ? undefined : (this.words[at] as number) / 1000;
  }

  /** Resets a worker's load when it starts. */
  clear(worker: number): void {
    this.words[LOAD_WORDS * worker] = 0;
    this.words[LOAD_WORDS * worker + 1] = this.now() | 0;
  }
}
