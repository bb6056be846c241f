import type { SharedValues } from '../core/shared-values.js';
import { shortKey } from '../core/short-key.js';
import type { KeptValue, ValueMap } from '../core/value-map.js';
import { socketOfRequest } from '../sip/transport/native/steering.js';

/** Calls that may be claimed at once; the oldest beyond are forgotten. */
const MOST = 400_000;

/**
 * Calls whose dialogs are kept by another process than the one that their Call-ID names: those that the brain began while the workers could
 * not, and those that one side knows by another Call-ID. Requests within them go there.
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
  ) {
    this.owners = values.lastingTable('claimed calls', MOST);
  }

  /** Requests within the calls of this Call-ID are to come here. */
  claim(callId: string): void {
    this.kept.add(callId);
    if (socketOfRequest(callId, this.workers) !== this.process)
      this.owners.set(shortKey(callId), this.process, undefined);
  }

  /** The last call of this Call-ID has ended. */
  release(callId: string): void {
    this.kept.delete(callId);
    if (this.owners.size === 0) return;
    const key = shortKey(callId);
    if (this.owners.get(key, 0) === this.process) this.owners.delete(key);
  }

  /** Whether this process keeps a call of that Call-ID. Another one may keep one as well: a request that came back by another transport. */
  keeps(callId: string): boolean {
    return this.kept.has(callId);
  }

  /** The process that a request within a call has to go to; undefined: its Call-ID says it. */
  owner(callId: string): number | undefined {
    if (this.kept.has(callId)) return this.process;
    // Asked for each request within a dialog; the size is read without the lock.
    if (this.owners.size === 0) return undefined;
    const owner = this.owners.get(shortKey(callId), 0);
    return typeof owner === 'number' ? owner : undefined;
  }
}
