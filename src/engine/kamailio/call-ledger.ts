import type { Clock } from '../../core/clock.js';
import { ownText } from '../../core/own-text.js';
import type { Destination } from '../destination.js';
import type { CountedCall } from '../selection.js';
import type { CallsInProgress } from './calls.js';
import { type KamailioLive, liveOf } from './live.js';

/** Bounds of the ledger. */
export interface LedgerOptions {
  readonly clock: Clock;
  /** Maximum seconds a confirmed call counts (ds_hash_expire). Default 7200. */
  readonly expire?: () => number;
  /** Maximum seconds a call counts before it is confirmed (ds_hash_initexpire). Default 7200. */
  readonly initExpire?: () => number;
  /** Calls kept; further ones are not counted. Default 1,000,000. */
  readonly maxCalls?: number;
}

/** Milliseconds of one tick: expiry is stored in ticks, since V8 stores a small integer without an allocation. */
const TICK = 100;
/** Default of both times in seconds. */
const DEFAULT_EXPIRE = 7200;
/** Maximum number of removed calls that a queue holds before it is compacted. */
const SLACK = 1000;

/** One call in progress. After the call has ended, the object may still be used: its methods then have no effect. */
export class TrackedCall implements CountedCall {
  destination: Destination | undefined = undefined;
  confirmed = false;
  /** Tick at which it is removed. */
  expires = 0;

  constructor(
    private readonly ledger: LoadLedger,
    readonly callId: string,
  ) {}

  get counts(): boolean {
    return this.destination !== undefined;
  }

  /** No effect: only this process counts. */
  enter(): void {}

  /** No effect: only this process counts. */
  leave(): void {}

  /** The call is sent to another destination (ds_next_dst). */
  moveTo(destination: Destination): void {
    this.ledger.move(this, destination);
  }

  /** The call was answered. */
  confirm(): void {
    this.ledger.confirm(this);
  }

  /** The call has ended, or was not established. */
  end(): void {
    this.ledger.end(this);
  }
}

/**
 * The destination of each call in progress, by Call-ID: the load for algorithm 10. A call is removed when its end is
 * reported, at the latest when it expires, so no call counts forever. Unconfirmed and confirmed calls have a queue
 * each, in which all live equally long; so the first to expire is at the head.
 */
export class LoadLedger implements CallsInProgress {
  readonly shared = undefined;
  private readonly calls = new Map<string, TrackedCall>();
  private readonly starting = new Queue(false);
  private readonly confirmed = new Queue(true);
  private readonly maxCalls: number;
  private readonly origin: number;

  constructor(private readonly options: LedgerOptions) {
    this.origin = options.clock.monotonic();
    this.maxCalls = options.maxCalls ?? 1_000_000;
  }

  /** Number of calls in progress. */
  get size(): number {
    return this.calls.size;
  }

  /** No effect: only this process counts. */
  enter(): void {}

  /** No effect: only this process counts. */
  leave(): void {}

  get(callId: string): TrackedCall | undefined {
    return this.calls.get(callId);
  }

  begin(callId: string, destination: Destination): TrackedCall | undefined {
    const known = this.calls.get(callId);
    if (known !== undefined) {
      this.move(known, destination);
      return known;
    }
    if (this.calls.size >= this.maxCalls) {
      this.expire();
      if (this.calls.size >= this.maxCalls) return undefined;
    }
    const call = new TrackedCall(this, ownText(callId));
    call.destination = destination;
    call.expires = this.after(this.options.initExpire);
    this.calls.set(call.callId, call);
    this.starting.push(call);
    change(liveOf(destination), 1);
    return call;
  }

  /** Counts the call for another destination; no effect after its end. */
  move(call: TrackedCall, destination: Destination): void {
    const from = call.destination;
    if (from === undefined || from === destination) return;
    const here = liveOf(from);
    const there = liveOf(destination);
    call.destination = destination;
    if (here === there) return;
    change(here, -1);
    change(there, 1);
  }

  /** The call was answered: from now it expires after `expire` instead of `initExpire`. */
  confirm(call: TrackedCall): void {
    if (call.destination === undefined) return;
    const before = this.queueOf(call);
    call.confirmed = true;
    before.left();
    call.expires = this.after(this.options.expire);
    this.confirmed.push(call);
  }

  /** Stops counting the call; may be called repeatedly. */
  end(call: TrackedCall): void {
    const { destination } = call;
    if (destination === undefined) return;
    call.destination = undefined;
    this.queueOf(call).left();
    this.calls.delete(call.callId);
    change(liveOf(destination), -1);
  }

  endByCallId(callId: string): boolean {
    const call = this.calls.get(callId);
    if (call === undefined) return false;
    this.end(call);
    return true;
  }

  expire(): number {
    const now = Math.floor((this.options.clock.monotonic() - this.origin) / TICK);
    let count = 0;
    for (const queue of [this.starting, this.confirmed]) {
      for (let call = queue.first(); call !== undefined && call.expires <= now; call = queue.first()) {
        this.end(call);
        count++;
      }
    }
    return count;
  }

  /** The tick in so many seconds; at least one tick from now. */
  private after(seconds: (() => number) | undefined): number {
    const elapsed = Math.ceil((this.options.clock.monotonic() - this.origin) / TICK);
    return elapsed + Math.ceil(((seconds?.() ?? DEFAULT_EXPIRE) * 1000) / TICK);
  }

  private queueOf(call: TrackedCall): Queue {
    return call.confirmed ? this.confirmed : this.starting;
  }
}

function change(live: KamailioLive, by: 1 | -1): void {
  live.calls += by;
  live.watcher?.loadChanged(live.position);
}

/**
 * Calls in the order in which they expire. A removed call stays in the array until half of the entries are removed
 * ones, so ending a call moves no other.
 */
class Queue {
  private calls: TrackedCall[] = [];
  private head = 0;
  private gone = 0;

  constructor(private readonly confirmed: boolean) {}

  push(call: TrackedCall): void {
    this.calls.push(call);
  }

  /** A call of this queue has ended or has moved to the other queue. */
  left(): void {
    if (++this.gone < SLACK + (this.calls.length >>> 1)) return;
    this.calls = this.calls.filter((call, i) => i >= this.head && this.has(call));
    this.head = 0;
    this.gone = 0;
  }

  first(): TrackedCall | undefined {
    for (;;) {
      const call = this.calls[this.head];
      if (call === undefined || this.has(call)) return call;
      this.head++;
    }
  }

  private has(call: TrackedCall): boolean {
    return call.destination !== undefined && call.confirmed === this.confirmed;
  }
}
