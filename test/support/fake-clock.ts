import type { Clock } from '../../src/core/clock.js';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/**
 * A clock that only the test advances. Timers run in order of their due time, equal ones in the order they were
 * scheduled, each exactly at its due time, synchronously inside `advance`.
 */
export class FakeClock implements Clock {
  private time: number;
  private elapsed = 0;
  private order = 0;
  /** Binary heap by (at, order). */
  private readonly heap: Timer[] = [];
  private live = 0;

  /** `start`: first value of `now()`, milliseconds since the epoch. */
  constructor(start = 1_700_000_000_000) {
    this.time = start;
  }

  now(): number {
    return this.time;
  }

  monotonic(): number {
    return this.elapsed;
  }

  schedule(delayMs: number, run: () => void): () => void {
    const timer: Timer = { at: this.elapsed + Math.max(0, delayMs), order: this.order++, run, cancelled: false };
    this.push(timer);
    this.live++;
    return () => {
      if (timer.cancelled) return;
      timer.cancelled = true;
      this.live--;
    };
  }

  /** Number of timers that are set. */
  get pending(): number {
    return this.live;
  }

  /** Milliseconds until the next timer is due; undefined when none is set. */
  get nextIn(): number | undefined {
    this.dropCancelled();
    const next = this.heap[0];
    return next === undefined ? undefined : next.at - this.elapsed;
  }

  /** Advances the clock by `ms` milliseconds and runs every timer that becomes due, including those set meanwhile. */
  advance(ms: number): void {
    const target = this.elapsed + ms;
    for (;;) {
      this.dropCancelled();
      const next = this.heap[0];
      if (next === undefined || next.at > target) break;
      this.pop();
      this.moveTo(next.at);
      next.cancelled = true;
      this.live--;
      next.run();
    }
    this.moveTo(target);
  }

  /** Like `advance`, in steps of `stepMs`, running promise callbacks between the steps. */
  async advanceAsync(ms: number, stepMs = ms): Promise<void> {
    let left = ms;
    do {
      const step = Math.min(left, stepMs);
      this.advance(step);
      left -= step;
      await new Promise<void>((resolve) => setImmediate(resolve));
    } while (left > 0);
  }

  /** Changes the wall clock only, as when somebody sets the time; monotonic time is not affected. */
  setWallClock(now: number): void {
    this.time = now;
  }

  private moveTo(elapsed: number): void {
    this.time += elapsed - this.elapsed;
    this.elapsed = elapsed;
  }

  private dropCancelled(): void {
    while (this.heap[0]?.cancelled) this.pop();
  }

  private push(timer: Timer): void {
    const heap = this.heap;
    let i = heap.length;
    heap.push(timer);
    while (i > 0) {
      const up = (i - 1) >> 1;
      const parent = heap[up] as Timer;
      if (!before(timer, parent)) break;
      heap[i] = parent;
      i = up;
    }
    heap[i] = timer;
  }

  private pop(): void {
    const heap = this.heap;
    const last = heap.pop() as Timer;
    const size = heap.length;
    if (size === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= size) break;
      if (child + 1 < size && before(heap[child + 1] as Timer, heap[child] as Timer)) child++;
      if (!before(heap[child] as Timer, last)) break;
      heap[i] = heap[child] as Timer;
      i = child;
    }
    heap[i] = last;
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
