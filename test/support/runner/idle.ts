import { cpus } from 'node:os';

/**
 * Share of the processors' time that must be idle for one more file, and the milliseconds over which it is measured.
 */
const IDLE_SHARE = 0.35;
export const IDLE_MS = 1000;

/** Whether the processors are idle, measured anew in each period. */
export class IdleMeter {
  private since = performance.now();
  private before = processorTimes();

  isIdle(): boolean {
    if (performance.now() - this.since < IDLE_MS) return false;
    const now = processorTimes();
    const share = (now.idle - this.before.idle) / Math.max(1, now.all - this.before.all);
    this.since = performance.now();
    this.before = now;
    return share >= IDLE_SHARE;
  }
}

function processorTimes(): { idle: number; all: number } {
  const sum = { idle: 0, all: 0 };
  for (const { times } of cpus()) {
    sum.idle += times.idle;
    for (const part of Object.values(times)) sum.all += part;
  }
  return sum;
}

/** Measures from now on how busy all processors are, with whatever program: the result is a share. */
export function busyMeter(): () => number {
  const before = processorTimes();
  return () => {
    const now = processorTimes();
    return 1 - (now.idle - before.idle) / Math.max(1, now.all - before.all);
  };
}
