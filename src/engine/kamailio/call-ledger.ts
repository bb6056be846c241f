import type { Clock } from '../../core/clock.js';
import type { Destination } from '../destination.js';
import { type KamailioLive, liveOf } from './live.js';

export interface LedgerOptions {
  readonly clock: Clock;
  /** Seconds a confirmed call counts at most (ds_hash_expire). Default 7200. */
  readonly expire?: () => number;
  /** Seconds a call counts until it is confirmed (ds_hash_initexpire). Default 7200. */
  readonly initExpire?: () => number;
  /** Calls kept at most; further ones are not counted. Default 1,000,000. */
  readonly mostCalls?: number;
}

/** One call in progress. A handle outlives the call: what it is told then has no effect. */
export class TrackedCall {
  destination: Destination | undefined;
  confirmed = false;
  expires = 0;
  before: TrackedCall | undefined;
  after: TrackedCall | undefined;

  constructor(
    private readonly ledger: CallLedger,
    readonly callId: string,
  ) {}

  /** The call goes to another destination (ds_next_dst). */
  moveTo(destination: Destination): void {
    this.ledger.move(this, destination);
  }

  /** The call was answered. */
  confirm(): void {
    this.ledger.confirm(this);
  }

  /** The call is over, or never came about. */
  end(): void {
    this.ledger.end(this);
  }
}

/**
 * Which call is where, by Call-ID: what call load (algorithm 10) counts. A call leaves it when it is told so, and at the
 * latest when its time is up, so nothing is counted for ever. Calls of one kind all live equally long: the first to
 * expire is always the head of its queue.
 */
export class CallLedger {
  private readonly calls = new Map<string, TrackedCall>();
  private readonly starting = new Queue();
  private readonly confirmed = new Queue();
  private readonly mostCalls: number;

  constructor(private readonly options: LedgerOptions) {
    this.mostCalls = options.mostCalls ?? 1_000_000;
  }

  /** Calls in progress. */
  get size(): number {
    return this.calls.size;
  }

  get(callId: string): TrackedCall | undefined {
    return this.calls.get(callId);
  }

  /**
   * A call begins at a destination. One with this Call-ID that is there already goes on and moves there: a request that
   * comes again (with credentials, in a spiral) is still one call. Undefined when too many calls are kept.
   */
  begin(callId: string, destination: Destination): TrackedCall | undefined {
    const known = this.calls.get(callId);
    if (known !== undefined) {
      this.move(known, destination);
      return known;
    }
    if (this.calls.size >= this.mostCalls) {
      this.expire();
      if (this.calls.size >= this.mostCalls) return undefined;
    }
    const call = new TrackedCall(this, callId);
    call.destination = destination;
    call.expires = this.options.clock.monotonic() + seconds(this.options.initExpire);
    this.calls.set(callId, call);
    this.starting.push(call);
    change(liveOf(destination), 1);
    return call;
  }

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

  confirm(call: TrackedCall): void {
    if (call.destination === undefined) return;
    this.queueOf(call).remove(call);
    call.confirmed = true;
    call.expires = this.options.clock.monotonic() + seconds(this.options.expire);
    this.confirmed.push(call);
  }

  end(call: TrackedCall): void {
    const { destination } = call;
    if (destination === undefined) return;
    call.destination = undefined;
    this.queueOf(call).remove(call);
    this.calls.delete(call.callId);
    change(liveOf(destination), -1);
  }

  /** BYE, CANCEL, ds_load_unset: the call with this Call-ID is over. Returns whether it was there. */
  endByCallId(callId: string): boolean {
    const call = this.calls.get(callId);
    if (call === undefined) return false;
    this.end(call);
    return true;
  }

  /** ds_load_update on a request or reply: BYE and CANCEL end a call, a 2xx to its INVITE confirms it. */
  update(callId: string, method: string, status = 0): void {
    if (status === 0) {
      if (method === 'BYE' || method === 'CANCEL') this.endByCallId(callId);
      return;
    }
    if (method !== 'INVITE' || status < 200 || status > 299) return;
    const call = this.calls.get(callId);
    if (call !== undefined) this.confirm(call);
  }

  /** Forgets calls whose time is up. Returns how many. */
  expire(): number {
    const now = this.options.clock.monotonic();
    let count = 0;
    for (const queue of [this.starting, this.confirmed]) {
      for (let call = queue.first; call !== undefined && call.expires <= now; call = queue.first) {
        this.end(call);
        count++;
      }
    }
    return count;
  }

  private queueOf(call: TrackedCall): Queue {
    return call.confirmed ? this.confirmed : this.starting;
  }
}

/** As milliseconds. */
function seconds(setting: (() => number) | undefined): number {
  return (setting?.() ?? 7200) * 1000;
}

function change(live: KamailioLive, by: 1 | -1): void {
  live.load += by;
  live.watcher?.loadChanged(live.position);
}

/** Calls in the order in which they expire. */
class Queue {
  first: TrackedCall | undefined;
  private last: TrackedCall | undefined;

  push(call: TrackedCall): void {
    call.before = this.last;
    call.after = undefined;
    if (this.last === undefined) this.first = call;
    else this.last.after = call;
    this.last = call;
  }

  remove(call: TrackedCall): void {
    if (call.before === undefined) this.first = call.after;
    else call.before.after = call.after;
    if (call.after === undefined) this.last = call.before;
    else call.after.before = call.before;
    call.before = call.after = undefined;
  }
}
