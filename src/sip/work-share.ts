import { performance } from 'node:perf_hooks';
import { sourceKey } from '../core/fair-share.js';
import type { PeerTables } from './peer-tables.js';
import type { AddressSet } from './trusted-sources.js';

/** Milliseconds, and those of processor time, after which the sums begin again; and the longest time until then. */
const WINDOW_MS = 1000;
const WINDOW_CPU_MS = 500;
const LONGEST_WINDOW_MS = 5000;
/** Part of the processor time of this process that expensive requests may take in all. */
const PART = 0.5;
/** Part of the time for which the event loop must have been busy: otherwise there is time for all. */
const BUSY = 0.9;
/**
 * Milliseconds from which on a request is expensive; an ordinary one takes a tenth of one. With 5, 150 texts a second
 * of 3 to 6 ms each passed as ordinary. A source is refused only when several of its requests were expensive and took
 * at least half of its time, so not for a pause of the garbage collector during an ordinary request: a busy trunk is
 * limited by the bounds on the number of requests alone.
 */
const EXPENSIVE_MS = 2;
const SEVERAL = 3;
/** A source may have this many times what is left, as in `FairShare`. */
const ROOM = 8;
/** Characters from which on requests are measured: no shorter one is expensive. */
const LARGE = 2048;

/** Clocks of this process, in milliseconds; they advance while a message is handled. */
export interface WorkClocks {
  now(): number;
  /** Processor time. */
  cpu(): number;
  /** Time for which the event loop has waited. */
  idle(): number;
}

const systemClocks: WorkClocks = {
  now: () => performance.now(),
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  idle: () => performance.eventLoopUtilization().idle,
};

/**
 * Limits the part of the processor time that one source's requests may take. Work is in proportion to the length of a
 * message, but an expression of a script or a rule may take tens of milliseconds for 64 KB: a few such requests a
 * second, far below any limit on their number, would leave no time to others. When the event loop is always busy,
 * sources whose requests are expensive are refused first, those with the most time before others.
 */
export class WorkShare {
  private readonly sources = new Map<string, Work>();
  /** Sum of the expensive requests of all sources. */
  private expensive = 0;
  private began = 0;
  private beganCpu = 0;
  private beganIdle = 0;
  private startNow = 0;
  private startCpu = 0;
  private refusedNow = false;

  constructor(
    private readonly peers: Pick<PeerTables, 'refused'>,
    private readonly trusted: AddressSet | undefined = undefined,
    private readonly clocks: WorkClocks = systemClocks,
  ) {}

  /** Whether to measure a request of this length. */
  measures(characters: number): boolean {
    return characters >= LARGE;
  }

  /** Begins to measure a request. */
  begin(): void {
    this.refusedNow = false;
    this.startNow = this.clocks.now();
    this.startCpu = this.clocks.cpu();
  }

  /** The request of a source that was measured has been handled. */
  spent(address: string): void {
    if (this.refusedNow) return;
    const now = this.clocks.now();
    // Processor time is coarse on some systems, and the time of the clock includes that of other processes.
    const wall = now - this.startNow;
    const ms = Math.min(wall, this.clocks.cpu() - this.startCpu);
    const elapsed = now - this.began;
    if (elapsed >= WINDOW_MS && (this.startCpu - this.beganCpu >= WINDOW_CPU_MS || elapsed >= LONGEST_WINDOW_MS))
      this.clear(now, this.startCpu);
    const key = sourceKey(address);
    let work = this.sources.get(key);
    if (work === undefined) this.sources.set(key, (work = { all: 0, expensive: 0, cpu: 0, count: 0 }));
    work.all += wall;
    if (ms < EXPENSIVE_MS) return;
    work.expensive += wall;
    work.cpu += ms;
    work.count++;
    this.expensive += ms;
  }

  /** Whether a new request of a source is to be refused; counts and logs it. */
  refuses(address: string): boolean {
    const { expensive, clocks } = this;
    if (expensive === 0) return false;
    const work = this.sources.get(sourceKey(address));
    if (work === undefined || work.count < SEVERAL || work.expensive * 2 < work.all) return false;
    const elapsed = clocks.now() - this.began;
    if (elapsed >= LONGEST_WINDOW_MS || clocks.idle() - this.beganIdle > (1 - BUSY) * elapsed) return false;
    const cpu = clocks.cpu() - this.beganCpu;
    if (elapsed >= WINDOW_MS && cpu >= WINDOW_CPU_MS) return false;
    const left = Math.max(cpu, WINDOW_CPU_MS) * PART - expensive;
    if (work.cpu <= ROOM * left || this.trusted?.has(address) === true) return false;
    this.refusedNow = true;
    this.peers.refused('expressions', address, { ms: Math.round(work.cpu), ofMs: Math.round(cpu) });
    return true;
  }

  private clear(now: number, cpu: number): void {
    this.began = now;
    this.beganCpu = cpu;
    this.beganIdle = this.clocks.idle();
    this.expensive = 0;
    this.sources.clear();
  }
}

/** Milliseconds of one source's requests. */
interface Work {
  /** Of all, and of the expensive ones. */
  all: number;
  expensive: number;
  /** Processor time of the expensive ones. */
  cpu: number;
  /** Number of expensive ones. */
  count: number;
}
