import type { SharedValues } from '../core/shared-values.js';
import { shortKey } from '../core/short-key.js';
import type { KeptValue, ValueMap } from '../core/value-map.js';
import { socketOfRequest } from '../sip/transport/native/steering.js';

/** Calls that may be claimed at once; the oldest beyond are forgotten. */
const MOST = 400_000;

/** What says that there are calls which are kept by who has those that are not entered. */
const SOME = '';

/**
 * Calls whose dialogs are kept by another process than the one that has those which are not entered: that is worker 1, or with an even spread who their
 * Call-ID names. Those are calls that the brain began while the workers could not, those that one side knows by another Call-ID, and
 * those that went to further workers for want of room in the first. Requests within them go there.
 */
export class CallClaims {
  private readonly owners: ValueMap<KeptValue>;
  /** Call-IDs of the calls that this process keeps. */
  private readonly kept = new Set<string>();

  constructor(
    values: SharedValues,
    /** This process: 0 is the brain. */
    private readonly process: number,
    private readonly workers: number,
    /** The process that has calls which are not entered; undefined: the one that their Call-ID names. */
    private readonly usual?: number,
  ) {
    this.owners = values.lastingTable('claimed calls', MOST);
  }

  /** Requests within the calls of this Call-ID are to come here. */
  claim(callId: string): void {
    this.kept.add(callId);
    if (!this.isUsual(callId)) this.owners.set(shortKey(callId), this.process, undefined);
    else if (this.usual !== undefined && this.owners.size === 0) this.owners.set(SOME, null, undefined);
  }

  /** The last call of this Call-ID has ended. */
  release(callId: string): void {
    this.kept.delete(callId);
    if (this.owners.size === 0) return;
    // Nothing is entered of it.
    if (this.isUsual(callId)) return;
    const key = shortKey(callId);
    if (this.owners.get(key, 0) === this.process) this.owners.delete(key);
  }

  /** Whether this process keeps a call of that Call-ID. Another one may keep one as well: a request that came back by another transport. */
  keeps(callId: string): boolean {
    return this.kept.has(callId);
  }

  /** The process that a request within a call has to go to; undefined: its Call-ID says it, or no calls are kept. */
  owner(callId: string): number | undefined {
    return this.entered(callId) ?? this.ofOthers;
  }

  /** The process that keeps calls which are not entered; undefined: their Call-ID says it, or no calls are kept. */
  get ofOthers(): number | undefined {
    return this.owners.size === 0 ? undefined : this.usual;
  }

  /** The process that keeps a call, where that is known: it is this one, or it is entered. */
  entered(callId: string): number | undefined {
    if (this.kept.has(callId)) return this.process;
    // Asked for each request within a dialog; the size is read without the lock.
    if (this.owners.size === 0) return undefined;
    const owner = this.owners.get(shortKey(callId), 0);
    return typeof owner === 'number' ? owner : undefined;
  }

  private isUsual(callId: string): boolean {
    return (this.usual ?? socketOfRequest(callId, this.workers)) === this.process;
  }
}
