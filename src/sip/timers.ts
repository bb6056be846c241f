import type { Clock } from '../core/clock.js';

/** Milliseconds of one tick, the precision of all SIP timers. */
export const TICK_MS = 20;
const SLOTS = 2048;
const MASK = SLOTS - 1;
const COARSE_TICKS = 10;
/** Precision of loosely armed timers, in milliseconds. */
export const COARSE_MS = COARSE_TICKS * TICK_MS;
/** Longest time in ticks that the wheel sleeps while timers are armed. */
const MAX_SLEEP = 50;
const IDLE = -1;
const FIRING = -2;

/** A timer. A transaction is itself a timer, so that arming one allocates nothing. */
export abstract class WheelTimer {
  /** @internal */ wheelNext: WheelTimer | undefined = undefined;
  /** @internal */ wheelPrevious: WheelTimer | undefined = undefined;
  /** @internal Tick at which it fires; -1: not armed, -2: about to be called. */ wheelDue = -1;
  /** Called once when the timer fires. */
  abstract onTimer(): void;
}

/**
 * A hashed timer wheel for any number of transactions: it uses one system timer and arms and cancels in constant time.
 * A timer never fires before its delay, and at most two ticks after it. A loosely armed one may fire up to COARSE_MS
 * late, so that many cleanup timers fire together. Since waking the process costs more than firing a timer, the wheel
 * does not wake for empty slots.
 */
export class TimerWheel {
  private readonly slots: (WheelTimer | undefined)[] = new Array<WheelTimer | undefined>(SLOTS).fill(undefined);
  private readonly origin: number;
  private current = 0;
  private armed = 0;
  private cancelTick: (() => void) | undefined = undefined;
  private stopped = false;
  /** Tick for which the system timer is set. */
  private wakeAt = 0;

  constructor(
    private readonly clock: Clock,
    private readonly onError: (error: unknown) => void,
  ) {
    this.origin = clock.monotonic();
  }

  /** Number of armed timers. */
  get size(): number {
    return this.armed;
  }

  /** (Re)arms a cleanup timer: it may fire COARSE_MS late. */
  armLoosely(timer: WheelTimer, delayMs: number): void {
    this.arm(timer, delayMs, COARSE_TICKS);
  }

  /** (Re)arms a timer to fire after `delayMs`. `multiple`: on a tick whose number is divisible by it. */
  arm(timer: WheelTimer, delayMs: number, multiple = 1): void {
    if (timer.wheelDue >= 0) this.cancel(timer);
    if (this.stopped) return;
    if (this.armed === 0) this.current = this.tickNow();
    // Counted from the clock, rounded up, since the wheel lags while the event loop is busy.
    const elapsed = this.clock.monotonic() - this.origin;
    let due = Math.max(this.current + 1, Math.ceil((elapsed + delayMs) / TICK_MS));
    if (multiple > 1) due += (multiple - (due % multiple)) % multiple;
    timer.wheelDue = due;
    const slot = due & MASK;
    const head = this.slots[slot];
    timer.wheelNext = head;
    timer.wheelPrevious = undefined;
    if (head !== undefined) head.wheelPrevious = timer;
    this.slots[slot] = timer;
    this.armed++;
    if (this.cancelTick === undefined || due < this.wakeAt) this.sleepUntil(due, elapsed);
  }

  /** Disarms a timer; harmless when it is not armed. */
  cancel(timer: WheelTimer): void {
    if (timer.wheelDue < 0) {
      timer.wheelDue = IDLE;
      return;
    }
    const next = timer.wheelNext;
    const previous = timer.wheelPrevious;
    if (next !== undefined) next.wheelPrevious = previous;
    if (previous !== undefined) previous.wheelNext = next;
    else this.slots[timer.wheelDue & MASK] = next;
    timer.wheelNext = undefined;
    timer.wheelPrevious = undefined;
    timer.wheelDue = IDLE;
    this.armed--;
  }

  /** Removes all timers; none fires any more. */
  stop(): void {
    this.stopped = true;
    this.cancelTick?.();
    this.cancelTick = undefined;
    this.slots.fill(undefined);
    this.armed = 0;
  }

  private tickNow(): number {
    return Math.floor((this.clock.monotonic() - this.origin) / TICK_MS);
  }

  private readonly tick = (): void => {
    this.cancelTick = undefined;
    const now = this.tickNow();
    // After a long pause of the process, each slot is visited once only.
    const from = Math.max(this.current + 1, now - SLOTS + 1);
    for (let tick = from; tick <= now; tick++) this.fireSlot(tick & MASK, now);
    this.current = Math.max(this.current, now);
    if (this.armed === 0 || this.stopped) return;
    let next = this.current + 1;
    const last = this.current + MAX_SLEEP;
    while (next < last && this.slots[next & MASK] === undefined) next++;
    // A timer that fired may already have set the system timer to an earlier tick.
    if (this.cancelTick === undefined || next < this.wakeAt) {
      this.sleepUntil(next, this.clock.monotonic() - this.origin);
    }
  };

  private sleepUntil(tick: number, elapsed: number): void {
    this.cancelTick?.();
    const until = Math.min(tick, this.current + MAX_SLEEP);
    this.wakeAt = until;
    this.cancelTick = this.clock.schedule(Math.max(1, Math.ceil(until * TICK_MS - elapsed)), this.tick);
  }

  private fireSlot(slot: number, now: number): void {
    let timer = this.slots[slot];
    if (timer === undefined) return;
    const due: WheelTimer[] = [];
    while (timer !== undefined) {
      const next: WheelTimer | undefined = timer.wheelNext;
      if (timer.wheelDue <= now) {
        this.cancel(timer);
        timer.wheelDue = FIRING;
        due.push(timer);
      }
      timer = next;
    }
    // The newest timer is first in a slot's list; timers fire in the order in which they were armed.
    for (let i = due.length - 1; i >= 0; i--) {
      const each = due[i] as WheelTimer;
      // Skips timers that an earlier timer of this slot cancelled or armed again.
      if (each.wheelDue !== FIRING) continue;
      each.wheelDue = IDLE;
      try {
        each.onTimer();
      } catch (error) {
        this.onError(error);
      }
    }
  }
}
