import { performance } from 'node:perf_hooks';
import { headOf, LOAD_WORDS, LOADS } from './shared-layout.js';

/** Milliseconds over which the load is measured, and the fewest between two notifications of the brain. */
const WINDOW_MS = 50;
const NOTIFY_MS = 100;
/** Load, in thousandths, from which on a worker notifies the brain at once if datagrams were left waiting. */
const BUSY = 900;
/**
 * Number of measurements in sequence with datagrams left waiting after which waiting for a processor counts as load.
 */
const LATE = 4;
/** Milliseconds without a report after which a worker counts as stopped: it reports at least twice a second. */
const SILENT_MS = 1200;

/** What a worker has spent since its start, milliseconds. */
export interface Spent {
  /** Time in which the event loop did not wait for events; other programs may have had the processor in it. */
  readonly active: number;
  /** Time asleep within event loop iterations. */
  readonly slept: number;
  /** CPU time. */
  readonly cpu: number;
}

/** What a load meter needs. */
export interface LoadMeterOptions {
  readonly memory: ArrayBufferLike;
  readonly worker: number;
  /** Monotonic milliseconds of the brain. */
  readonly now: () => number;
  readonly spent: () => Spent;
  /** Notifies the brain that this worker is overloaded. */
  readonly notify: () => void;
}

/** What this process has spent; `slept` as in `Spent`. */
export function spentHere(slept: number): Spent {
  const { user, system } = process.cpuUsage();
  return { active: performance.eventLoopUtilization().active, slept, cpu: (user + system) / 1000 };
}

/**
 * Measures how busy this worker is and writes that into the shared memory. Time in which it waits for a processor does
 * not count, since other workers would wait too, and several cost more than one; unless datagrams are left waiting for
 * a while, since more processes get more of the processors.
 */
export class LoadMeter {
  private readonly words: Int32Array;
  private before: Spent | undefined = undefined;
  private began = 0;
  private last = 0;
  private notified = 0;
  private wasFull = false;
  /** Number of measurements in sequence in which it was active nearly all the time and left datagrams waiting. */
  private late = 0;

  constructor(private readonly options: LoadMeterOptions) {
    const at = LOADS + LOAD_WORDS * options.worker;
    this.words = headOf(options.memory).subarray(at, at + LOAD_WORDS);
  }

  /** Measures, once every WINDOW_MS. `full`: datagrams were left waiting. */
  look(at: number, full: boolean): void {
    if (full) this.wasFull = true;
    const elapsed = at - this.began;
    if (elapsed < WINDOW_MS) return;
    const spent = this.options.spent();
    const before = this.before ?? spent;
    const active = thousandths(spent.active - before.active - (spent.slept - before.slept), elapsed);
    const cpu = thousandths(spent.cpu - before.cpu, elapsed);
    this.before = spent;
    this.began = at;
    const { words, wasFull } = this;
    this.late = active >= BUSY && wasFull ? this.late + 1 : 0;
    const now = this.late >= LATE ? active : Math.min(active, cpu);
    // The mean of this window and the last one, unless the window is much longer than usual.
    words[0] = elapsed > 2 * WINDOW_MS ? now : (now + this.last) >> 1;
    words[1] = this.options.now() | 0;
    this.last = now;
    this.wasFull = false;
    if (now < BUSY || !wasFull || at - this.notified < NOTIFY_MS) return;
    this.notified = at;
    this.options.notify();
  }
}

/** The part of the elapsed time, 0 to 1000. */
function thousandths(ms: number, elapsed: number): number {
  return Math.max(0, Math.min(1000, Math.round((1000 * ms) / elapsed)));
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
