import type { KeptCall } from '../core/kept-call.js';

/**
 * Maximum number of calls of one worker, and of those left by dead ones. Beyond that the oldest of a worker are
 * dropped, and the records of the oldest that were left are written at once.
 */
const MAX_CALLS = 50_000;
/** Maximum characters of all texts of one worker (a longer one is not kept), and of those left by dead ones. */
const MAX_CHARACTERS = 64 * 1024 * 1024;
/** Milliseconds between two searches for calls whose lifetime is over. */
const LOOK_MS = 10_000;

/** What is needed to write the records of calls whose worker has died. */
export interface KeptCallsOptions {
  /** Writes the record of a call that has ended; in milliseconds since the epoch. */
  readonly write: (text: string, ended: number) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

interface Left {
  readonly text: string;
  readonly callId: string;
  /** The latest time at which the call ends. */
  readonly until: number;
}

/**
 * Keeps the contents of the records that workers will write when their answered calls end. A worker that dies leaves
 * its calls: their records are then written here when the calls end, or when their lifetime is over.
 */
export class KeptCalls {
  private readonly workers: Map<string, Left>[] = [];
  private readonly characters: number[] = [];
  /** Calls of dead workers by Call-ID, oldest first. */
  private readonly left = new Map<string, Left[]>();
  private leftCount = 0;
  private leftCharacters = 0;
  private looked = 0;

  constructor(private readonly options: KeptCallsOptions) {}

  /** Number of calls of dead workers that have not ended. */
  get size(): number {
    return this.leftCount;
  }

  /** A worker has an answered call; null: the call has ended, and the worker has written its record. */
  keep(worker: number, id: string, call: KeptCall | null): void {
    const calls = (this.workers[worker] ??= new Map());
    this.drop(worker, calls, id);
    if (call === null) return;
    const { callId, lifetimeMs, text } = call;
    const size = (this.characters[worker] ?? 0) + text.length;
    if (size > MAX_CHARACTERS) return;
    this.characters[worker] = size;
    calls.set(id, { text, callId, until: this.options.now() + lifetimeMs });
    if (calls.size > MAX_CALLS) this.drop(worker, calls, calls.keys().next().value ?? '');
  }

  /** A worker has died. Returns how many calls it left. */
  lost(worker: number): number {
    const calls = this.workers[worker];
    if (calls === undefined) return 0;
    for (const call of calls.values()) {
      const same = this.left.get(call.callId);
      if (same === undefined) this.left.set(call.callId, [call]);
      else same.push(call);
      this.leftCount++;
      this.leftCharacters += call.text.length;
    }
    const count = calls.size;
    calls.clear();
    this.characters[worker] = 0;
    while (this.leftCount > MAX_CALLS || this.leftCharacters > MAX_CHARACTERS) {
      this.write(this.left.keys().next().value ?? '', this.options.now());
    }
    return count;
  }

  /** A call has ended, at a time in milliseconds since the epoch: its record is written if its worker has died. */
  ended(callId: string, at: number): void {
    this.write(callId, at);
  }

  /** Writes the records of calls whose lifetime is over. */
  look(): void {
    const now = this.options.now();
    if (this.leftCount === 0 || Math.abs(now - this.looked) < LOOK_MS) return;
    this.looked = now;
    for (const [callId, calls] of this.left) {
      if (calls.some(({ until }) => until <= now))
        this.write(callId, Math.min(now, ...calls.map(({ until }) => until)));
    }
  }

  private write(callId: string, at: number): void {
    const calls = this.left.get(callId);
    if (calls === undefined) return;
    this.left.delete(callId);
    this.leftCount -= calls.length;
    for (const { text } of calls) {
      this.leftCharacters -= text.length;
      this.options.write(text, at);
    }
  }

  private drop(worker: number, calls: Map<string, Left>, id: string): void {
    const before = calls.get(id);
    if (before === undefined) return;
    calls.delete(id);
    this.characters[worker] = (this.characters[worker] ?? 0) - before.text.length;
  }
}
