import type { Destination } from '../destination.js';
import type { CountedCall } from '../selection.js';
import type { SharedLoads } from '../shared-loads.js';

/** The calls in progress of one partition, by Call-ID: the load for algorithm 10. */
export interface CallsInProgress {
  /** Number of calls; 0: none. */
  readonly size: number;
  /** The memory in which several processes count together; undefined: only this process counts. */
  readonly shared: SharedLoads | undefined;
  /** Keeps other processes from counting until `leave`. Calls may be nested. */
  enter(): void;
  /** Lets other processes count again. */
  leave(): void;
  /** The call with this Call-ID. */
  get(callId: string): CountedCall | undefined;
  /**
   * A call begins at a destination. If there is a call with this Call-ID, it moves there instead: a request repeated
   * with credentials, or in a spiral, is the same call. Undefined when too many calls are kept.
   */
  begin(callId: string, destination: Destination): CountedCall | undefined;
  /** BYE, CANCEL or ds_load_unset ended the call with this Call-ID. Returns whether it was in progress. */
  endByCallId(callId: string): boolean;
  /** Removes expired calls; returns their number. */
  expire(): number;
}

/** ds_load_update for a request or reply: BYE and CANCEL end a call, a 2xx to INVITE confirms it. */
export function updateCalls(calls: CallsInProgress, callId: string, method: string, status = 0): void {
  if (status === 0) {
    if (method === 'BYE' || method === 'CANCEL') calls.endByCallId(callId);
    return;
  }
  if (method !== 'INVITE' || status < 200 || status > 299) return;
  calls.get(callId)?.confirm();
}
