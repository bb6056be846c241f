import type { Destination } from '../destination.js';
import type { CountedCall } from '../selection.js';
import type { SharedLoads } from '../shared-loads.js';
import type { CallsInProgress } from './calls.js';
import { joined, liveOf } from './live.js';

/** The calls of one partition that several processes count together. */
export class SharedCalls implements CallsInProgress {
  private readonly partition: number;

  constructor(
    readonly shared: SharedLoads,
    name: string,
    /** Maximum seconds that a call counts before and after it is confirmed (ds_hash_initexpire, ds_hash_expire). */
    private readonly initExpire: () => number,
    private readonly expireAfter: () => number,
  ) {
    this.partition = shared.partition(name);
  }

  /** Number of calls of all partitions. */
  get size(): number {
    return this.shared.size;
  }

  enter(): void {
    this.shared.enter();
  }

  /** Lets other processes count again. */
  leave(): void {
    this.shared.leave();
  }

  get(callId: string): CountedCall | undefined {
    return this.has(callId) ? new SharedCall(this, callId) : undefined;
  }

  begin(callId: string, destination: Destination): CountedCall | undefined {
    const counter = joined(liveOf(destination), this.shared);
    if (counter < 0 || !this.shared.begin(callId, this.partition, counter, this.initExpire())) return undefined;
    return new SharedCall(this, callId);
  }

  endByCallId(callId: string): boolean {
    return this.shared.end(callId, this.partition);
  }

  expire(): number {
    return this.shared.expire();
  }

  /** Whether a call is in progress. */
  has(callId: string): boolean {
    return this.shared.has(callId, this.partition);
  }

  /** Counts a call at another destination from now on. */
  move(callId: string, destination: Destination): void {
    this.shared.move(callId, this.partition, joined(liveOf(destination), this.shared));
  }

  /** Notes that a call was answered. */
  confirm(callId: string): void {
    this.shared.confirm(callId, this.partition, this.expireAfter());
  }
}

/** A call in progress; after its end, its methods have no effect. */
class SharedCall implements CountedCall {
  constructor(
    private readonly calls: SharedCalls,
    private readonly callId: string,
  ) {}

  get counts(): boolean {
    return this.calls.has(this.callId);
  }

  enter(): void {
    this.calls.enter();
  }

  /** Lets other processes count again. */
  leave(): void {
    this.calls.leave();
  }

  moveTo(destination: Destination): void {
    this.calls.move(this.callId, destination);
  }

  confirm(): void {
    this.calls.confirm(this.callId);
  }

  end(): void {
    this.calls.endByCallId(this.callId);
  }
}
