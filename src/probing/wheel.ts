import type { Clock } from '../core/clock.js';

/** A member of a wheel. Only the wheel writes these two fields. */
export interface Spoke {
  slot: number;
  position: number;
}

/** Ticks a revolution has at most, and the shortest tick in milliseconds. */
const MAX_SLOTS = 400;
const MIN_TICK = 5;
/** Timers of the system overflow beyond 24 days. */
const MAX_DELAY = 86_400_000;

/**
 * Calls `visit` for each member once per revolution. A member's phase is given by its hash, so calls are spread evenly
 * and keep their time when others are added or removed. One timer, set for the next slot that has members.
 */
export class Wheel<T extends Spoke> {
  private readonly slots: T[][];
  private readonly tickMs: number;
  /** Monotonic time of tick 0. */
  private origin = 0;
  /** Number of the tick to run next, counted from `origin`. */
  private next = 0;
  /** Tick the timer is set for. */
  private planned = Number.POSITIVE_INFINITY;
  private cancel: (() => void) | undefined;
  private running = false;
  private visiting = false;
  size = 0;

  constructor(
    private readonly clock: Clock,
    revolutionMs: number,
    private readonly visit: (member: T) => void,
  ) {
    const count = Math.max(1, Math.min(MAX_SLOTS, Math.floor(revolutionMs / MIN_TICK)));
    this.slots = Array.from({ length: count }, () => []);
    this.tickMs = revolutionMs / count;
  }

  /** Begins a revolution. Without effect while it runs. */
  start(): void {
    if (this.running) return;
    this.running = true;
    this.origin = this.clock.monotonic();
    this.next = 0;
    this.schedule();
  }

  /** Ends the visits; members stay. */
  stop(): void {
    this.running = false;
    this.cancel?.();
    this.cancel = undefined;
  }

  /** `hash` is an unsigned 32-bit number; it decides the phase. */
  add(member: T, hash: number): void {
    // Empty slots whose tick has passed are skipped: members added to them wait for the next revolution. Otherwise all
    // of them would be called at once.
    if (this.running && !this.visiting) this.next = Math.max(this.next, Math.min(this.tickNow(), this.planned));
    const slot = Math.floor((hash / 2 ** 32) * this.slots.length);
    const members = this.slots[slot] as T[];
    member.slot = slot;
    member.position = members.length;
    members.push(member);
    this.size++;
    // The timer is set for the next slot with members; only one that was empty can be earlier.
    if (members.length === 1 && this.running && !this.visiting) this.schedule();
  }

  /** Takes out a member, if it is one. */
  remove(member: T): void {
    const members = this.slots[member.slot];
    const last = members?.at(-1);
    if (members === undefined || last === undefined || members[member.position] !== member) return;
    members[member.position] = last;
    last.position = member.position;
    members.pop();
    member.slot = -1;
    this.size--;
  }

  /** The first tick that has not passed. */
  private tickNow(): number {
    return Math.ceil((this.clock.monotonic() - this.origin) / this.tickMs - 1e-6);
  }

  private schedule(): void {
    this.cancel?.();
    this.cancel = undefined;
    this.planned = Number.POSITIVE_INFINITY;
    if (this.size === 0) return;
    const count = this.slots.length;
    let tick = this.next;
    while ((this.slots[tick % count] as T[]).length === 0) tick++;
    this.planned = tick;
    const due = this.origin + tick * this.tickMs - this.clock.monotonic();
    this.cancel = this.clock.schedule(Math.min(MAX_DELAY, Math.max(0, due)), () => this.run());
  }

  private run(): void {
    this.cancel = undefined;
    const count = this.slots.length;
    const now = Math.floor((this.clock.monotonic() - this.origin) / this.tickMs + 1e-6);
    // After a delay of more than a revolution each member is called only once.
    if (now - this.next >= count) this.next = now - count + 1;
    this.visiting = true;
    try {
      while (this.running && this.next <= now) {
        const members = this.slots[this.next++ % count] as T[];
        // Backwards, since `visit` may remove members; the one moved to a removed one's position was called already.
        for (let i = members.length - 1; i >= 0; i--) {
          const member = members[i];
          if (member !== undefined) this.visit(member);
        }
      }
    } finally {
      this.visiting = false;
      if (this.running) this.schedule();
    }
  }
}

/** A well mixed 32-bit hash of a text (FNV-1a with a final avalanche), for phases only. */
export function phaseHash(text: string, salt: number): number {
  let h = (0x811c9dc5 ^ salt) | 0;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
