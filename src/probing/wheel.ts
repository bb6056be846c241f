import type { Clock } from '../core/clock.js';

/** A member of a wheel. Only the wheel writes these fields. */
export interface WheelMember {
  slot: number;
  position: number;
}

/** The most slots of a wheel, and the shortest tick in milliseconds. */
const MAX_SLOTS = 400;
const MIN_TICK = 5;
/** Longest timer, in milliseconds: timers of Node overflow after 24 days. */
const MAX_DELAY = 86_400_000;

/**
 * A timer wheel: calls `visit` for each member once per revolution. The hash of a member decides when within a
 * revolution, so that calls are evenly spread and a member keeps its time when others are added or removed. There is
 * one timer, set for the next slot that has members.
 */
export class Wheel<T extends WheelMember> {
  private readonly slots: T[][];
  private readonly tickMs: number;
  /** Monotonic time of tick 0. */
  private origin = 0;
  /** Number of the next tick to run, counted from `origin`. */
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

  /** Starts the wheel. No effect while it runs. */
  start(): void {
    if (this.running) return;
    this.running = true;
    this.origin = this.clock.monotonic();
    this.next = 0;
    this.schedule();
  }

  /** Stops the wheel; members stay. */
  stop(): void {
    this.running = false;
    this.cancel?.();
    this.cancel = undefined;
  }

  /** `hash` decides when within a revolution the member is visited: an unsigned 32-bit number. */
  add(member: T, hash: number): void {
    // The ticks of empty slots that have passed are skipped first. Otherwise they would run at once, and call members
    // that have just been added to them.
    if (this.running && !this.visiting) this.next = Math.max(this.next, Math.min(this.tickNow(), this.planned));
    const slot = Math.floor((hash / 2 ** 32) * this.slots.length);
    const members = this.slots[slot] as T[];
    member.slot = slot;
    member.position = members.length;
    members.push(member);
    this.size++;
    // Only a slot that was empty can need an earlier timer.
    if (members.length === 1 && this.running && !this.visiting) this.schedule();
  }

  /** Removes a member; no effect if it is not one. */
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

  /** The first tick that is still to come. */
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
    // After a delay of more than one revolution, each member is visited only once.
    if (now - this.next >= count) this.next = now - count + 1;
    this.visiting = true;
    try {
      while (this.running && this.next <= now) {
        const members = this.slots[this.next++ % count] as T[];
        // Runs backwards, since `visit` may remove members: the last member then moves to the free position, and has
        // been visited already.
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

/** A well mixed 32-bit hash of a text (FNV-1a and a final mix), used only to spread members over a revolution. */
export function phaseHash(text: string, salt: number): number {
  let h = (0x811c9dc5 ^ salt) | 0;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
