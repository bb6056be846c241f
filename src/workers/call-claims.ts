import { nextIteration } from '../core/event-loop.js';
import type { SharedValues } from '../core/shared-values.js';
import { shortKey } from '../core/short-key.js';
import type { KeptValue, ValueMap } from '../core/value-map.js';
import { socketOfRequest } from '../sip/transport/native/steering.js';

/** Maximum number of claimed calls; beyond that the oldest are dropped. */
const MAX_CLAIMS = 400_000;

/** Greater than the maximum number of processes. */
const PROCESSES = 64;

/** Entries that are looked at in one event loop iteration. */
const AT_ONCE = 2000;

/** Key of the entry which says that there are calls without an entry. */
const SOME = '';

/**
 * Knows which process keeps the dialog of a call, if it is not the usual one. The usual one is worker 1 or, with an
 * even spread, the worker that a hash of the Call-ID gives. Other processes keep: calls that the brain began while the
 * workers could not; calls whose other side has another Call-ID; calls that went to further workers because the first
 * had no room. Requests inside these dialogs are sent to them.
 */
export class CallClaims {
  private readonly owners: ValueMap<KeptValue>;
  /** The value of this process's entries. */
  private readonly own: number;
  /** Call-IDs of the calls that this process keeps. */
  private readonly kept = new Set<string>();

  constructor(
    values: SharedValues,
    /** Number of this process: 0 is the brain. */
    private readonly process: number,
    private readonly workers: number,
    /** The process that keeps calls without an entry; undefined: the one that their Call-ID gives. */
    private readonly usual?: number,
    /** Distinguishes this process from earlier ones with its number. */
    pid = 0,
  ) {
    this.own = entryOf(process, pid);
    this.owners = values.lastingTable('claimed calls', MAX_CLAIMS);
  }

  /** Claims the calls with this Call-ID: requests inside them are then sent here. */
  claim(callId: string): void {
    this.kept.add(callId);
    if (!this.isUsual(callId)) this.owners.set(shortKey(callId), this.own, undefined);
    else if (this.usual !== undefined && this.owners.size === 0) this.owners.set(SOME, null, undefined);
  }

  /** The last call with this Call-ID has ended. */
  release(callId: string): void {
    this.kept.delete(callId);
    if (this.owners.size === 0) return;
    // Such a call has no entry.
    if (this.isUsual(callId)) return;
    const key = shortKey(callId);
    if (this.owners.get(key, 0) === this.own) this.owners.delete(key);
  }

  /** Frees the claims of a process that has ended; it may take some event loop iterations. */
  async lost(process: number, pid = 0): Promise<void> {
    const { owners } = this;
    const gone = entryOf(process, pid);
    let looked = 0;
    // What is entered from now on is not looked at.
    for (const [key, owner] of owners.entries(0)) {
      if (owner === gone) {
        owners.alone(() => {
          // The process that replaced it may have claimed the call since.
          if (owners.get(key, 0) === gone) owners.delete(key);
        });
      }
      if (++looked % AT_ONCE === 0) await nextIteration();
    }
  }

  /**
   * Whether this process keeps a call with this Call-ID. Another process may keep one too: a request that came back
   * over another transport.
   */
  keeps(callId: string): boolean {
    return this.kept.has(callId);
  }

  /** The process to which a request inside a call must go; undefined: its Call-ID decides, or no calls are kept. */
  owner(callId: string): number | undefined {
    return this.entered(callId) ?? this.ofOthers;
  }

  /** The process that keeps calls without an entry; undefined: their Call-ID decides, or no calls are kept. */
  get ofOthers(): number | undefined {
    return this.owners.size === 0 ? undefined : this.usual;
  }

  /** The process that keeps a call, if known: this one, or the one in the entry. */
  entered(callId: string): number | undefined {
    if (this.kept.has(callId)) return this.process;
    // Needed for each request inside a dialog; the size is read without taking the lock.
    if (this.owners.size === 0) return undefined;
    const owner = this.owners.get(shortKey(callId), 0);
    return typeof owner === 'number' ? owner % PROCESSES : undefined;
  }

  private isUsual(callId: string): boolean {
    return (this.usual ?? socketOfRequest(callId, this.workers)) === this.process;
  }
}

/** The value of the entries of a process. */
function entryOf(process: number, pid: number): number {
  return process + PROCESSES * pid;
}
