import type { Clock } from '../core/clock.js';

/** Length of one tick in milliseconds: the precision of every SIP timer. */
export const TICK_MS = 20;
const SLOTS = 2048;
const MASK = SLOTS - 1;
const COARSE_TICKS = 10;
/** Precision of loosely armed timers in milliseconds. */
export const COARSE_MS = COARSE_TICKS * TICK_MS;
/** Maximum number of ticks slept while timers wait. */
const MAX_SLEEP = 50;
const IDLE = -1;
const FIRING = -2;

/** A timer. A transaction is itself a timer, so that arming one allocates nothing. */
export abstract class WheelTimer {
  /** @internal */ wheelNext: WheelTimer | undefined = undefined;
  /** @internal */ wheelPrevious: WheelTimer | undefined = undefined;
  /** @internal Tick it is due at; -1 when it is not armed, -2 when it is about to be called. */ wheelDue = -1;
  /** Called once when the timer fires. */
  abstract onTimer(): void;
}

/**
 * A hashed timer wheel: any number of waiting transactions, one system timer, O(1) to arm and to cancel. A timer fires
 * at or at most two ticks after its delay, never before; one that is armed loosely fires within COARSE_MS, so that the
 * many cleanup timers share wake-ups. Waking a process costs more than firing its timers, so the wheel sleeps through
 * empty slots.
 */
export class TimerWheel {
  private readonly slots: (WheelTimer | undefined)[] = new Array<WheelTimer | undefined>(SLOTS).fill(undefined);
  private readonly origin: number;
  private current = 0;
  private armed = 0;
  private cancelTick: (() => void) | undefined = undefined;
  private stopped = false;
  /** Tick the system timer is set for. */
  private wakeAt = 0;

  constructor(
    private readonly clock: Clock,
    private readonly onError: (error: unknown) => void,
  ) {
    this.origin = clock.monotonic();
  }

  /** Timers that are waiting. */
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
    // Counted from the real time, rounded up: the wheel itself may lag behind a busy event loop.
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

  /** Drops everything; nothing fires any more. */
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
    // After a long pause (a stopped process) every slot is visited once at most.
    const from = Math.max(this.current + 1, now - SLOTS + 1);
    for (let tick = from; tick <= now; tick++) this.fireSlot(tick & MASK, now);
    this.current = Math.max(this.current, now);
    if (this.armed === 0 || this.stopped) return;
    let next = this.current + 1;
    const last = this.current + MAX_SLEEP;
    while (next < last && this.slots[next & MASK] === undefined) next++;
    // A timer that fired may have set the system timer for an earlier tick already.
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
    // The list of a slot begins with the one armed last; they fire in the order in which they were armed.
    for (let i = due.length - 1; i >= 0; i--) {
      const each = due[i] as WheelTimer;
      // A timer that an earlier timer of this slot cancelled or armed again is no longer due.
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
