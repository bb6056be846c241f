import type { Clock } from '../core/clock.js';

/** Length of one tick in milliseconds: the precision of every SIP timer. */
export const TICK_MS = 10;
const SLOTS = 4096;
const MASK = SLOTS - 1;
const IDLE = -1;
const FIRING = -2;

/** Something that waits. A transaction is one itself, so that arming a timer allocates nothing. */
export abstract class WheelTimer {
  /** @internal */ wheelNext: WheelTimer | undefined = undefined;
  /** @internal */ wheelPrevious: WheelTimer | undefined = undefined;
  /** @internal Tick it is due at; -1 when it is not armed, -2 when it is about to be called. */ wheelDue = -1;
  /** Called once when the time has come. */
  abstract onTimer(): void;
}

/**
 * A hashed timer wheel: any number of waiting transactions, one system timer, O(1) to arm and to cancel. A timer fires
 * at or at most two ticks after its delay, never before.
 */
export class TimerWheel {
  private readonly slots: (WheelTimer | undefined)[] = new Array<WheelTimer | undefined>(SLOTS).fill(undefined);
  private readonly origin: number;
  private current = 0;
  private armed = 0;
  private cancelTick: (() => void) | undefined = undefined;
  private stopped = false;

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

  /** (Re)arms a timer to fire after `delayMs`. */
  arm(timer: WheelTimer, delayMs: number): void {
    if (timer.wheelDue >= 0) this.cancel(timer);
    if (this.stopped) return;
    if (this.armed === 0) this.current = this.tickNow();
    // Counted from the real time, rounded up: the wheel itself may lag behind a busy event loop.
    const due = Math.max(this.current + 1, Math.ceil((this.clock.monotonic() - this.origin + delayMs) / TICK_MS));
    timer.wheelDue = due;
    const slot = due & MASK;
    const head = this.slots[slot];
    timer.wheelNext = head;
    timer.wheelPrevious = undefined;
    if (head !== undefined) head.wheelPrevious = timer;
    this.slots[slot] = timer;
    this.armed++;
    if (this.cancelTick === undefined) this.cancelTick = this.clock.schedule(TICK_MS, this.tick);
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
    if (this.armed > 0 && !this.stopped && this.cancelTick === undefined) {
      this.cancelTick = this.clock.schedule(TICK_MS, this.tick);
    }
  };

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
    for (const each of due) {
      // One that an earlier one of this slot cancelled or armed again is not due any more.
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
