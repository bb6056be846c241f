import type { Clock } from '../core/clock.js';
import { Emitter } from '../core/emitter.js';
import { maskSecrets } from '../core/mask.js';
import type { Caller, EndpointKind } from './caller.js';

/** How a call of a management command ended: done, not allowed, or failed. */
export type AuditResult = 'ok' | 'refused' | 'failed';

/** A call of a management command, as its endpoint reports it. */
export interface AuditedCall {
  readonly caller: Caller;
  readonly command: string;
  /** The parameters: an object (by name) or an array (by position). */
  readonly params: unknown;
  readonly partition: string | undefined;
  readonly result: AuditResult;
  /** For example "404 destination not found". */
  readonly error: string | undefined;
  readonly changes: readonly string[];
}

/** One audit record as it is logged, published and shown. */
export interface AuditRecord {
  /** Serial number, from 1 since the start. */
  readonly seq: number;
  /** ISO 8601 with milliseconds. */
  readonly time: string;
  /** The user's name; undefined where the endpoint does not authenticate. */
  readonly user: string | undefined;
  readonly endpoint: EndpointKind;
  readonly peer: string;
  readonly command: string;
  /** JSON, cut at 1000 characters; passwords in URIs are masked. */
  readonly params: string;
  readonly partition: string | undefined;
  readonly result: AuditResult;
  readonly error: string | undefined;
  readonly changes: readonly string[];
  /** How many refusals and failures of the same caller are merged into this record. */
  readonly merged?: number;
}

/** Records kept in memory for the `audit` API and the console. */
const KEPT = 1000;
/** Calls of one caller in a second that changed nothing (refused or failed) and still get a record each. */
const UNSUCCESSFUL_A_SECOND = 5;
/** The same limit for all callers together: the sender address of a datagram may be forged. */
const UNSUCCESSFUL_OF_ALL = 50;
/** Callers for which refusals and failures are counted. */
const MAX_CALLERS = 1000;
const MAX_PARAMS = 1000;
const MAX_TEXT = 300;

/**
 * Records each management call that changed something, was refused or failed. A call that changed something always has
 * its own record. When one caller is refused, or fails without a change, more than five times a second, the further
 * calls are merged into one record, which gives their number.
 */
export class AuditTrail {
  private readonly kept: AuditRecord[] = [];
  private readonly listeners = new Emitter<AuditRecord>(() => {});
  private readonly refusals = new Map<string, { since: number; count: number; merged: number }>();
  private seq = 0;
  private readonly ofAll = { since: 0, count: 0 };

  constructor(private readonly clock: Clock) {}

  /** Calls `listen` with each record. The returned function removes it. */
  onRecord(listen: (record: AuditRecord) => void): () => void {
    return this.listeners.on(listen);
  }

  /** The records in memory, oldest first. */
  recent(): readonly AuditRecord[] {
    return this.kept;
  }

  /**
   * Records a call and passes the record to the listeners. A call that is merged into another has no record of its own.
   */
  record(call: AuditedCall): void {
    const vain = call.result === 'refused' || (call.result === 'failed' && call.changes.length === 0);
    const merged = vain ? this.merge(call.caller) : 0;
    if (merged === undefined) return;
    const { user, endpoint, peer } = call.caller;
    const record: AuditRecord = {
      seq: ++this.seq,
      time: new Date(this.clock.now()).toISOString(),
      user,
      endpoint,
      peer,
      command: call.command.slice(0, 64),
      params: cut(maskSecrets(JSON.stringify(call.params) ?? ''), MAX_PARAMS),
      partition: call.partition === undefined ? undefined : cut(call.partition, 64),
      result: call.result,
      error: call.error === undefined ? undefined : cut(maskSecrets(call.error), MAX_TEXT),
      changes: call.changes.map((each) => cut(maskSecrets(each), MAX_TEXT)),
      ...(merged === 0 ? {} : { merged }),
    };
    this.kept.push(record);
    if (this.kept.length > KEPT) this.kept.shift();
    this.listeners.emit(record);
  }

  /**
   * How many merged calls the record of this call also stands for; undefined when this call is merged into a later
   * record.
   */
  private merge({ user, endpoint, peer }: Caller): number | undefined {
    const key = `${endpoint} ${user ?? ''} ${peer.slice(0, 64)}`;
    const now = this.clock.monotonic();
    let known = this.refusals.get(key);
    if (known === undefined) {
      if (this.refusals.size >= MAX_CALLERS) {
        const [oldest] = this.refusals.keys();
        if (oldest !== undefined) this.refusals.delete(oldest);
      }
      this.refusals.set(key, (known = { since: now, count: 0, merged: 0 }));
    }
    if (now - known.since >= 1000) {
      known.since = now;
      known.count = 0;
    }
    if (now - this.ofAll.since >= 1000) {
      this.ofAll.since = now;
      this.ofAll.count = 0;
    }
    if (++known.count > UNSUCCESSFUL_A_SECOND || ++this.ofAll.count > UNSUCCESSFUL_OF_ALL) {
      known.merged++;
      return undefined;
    }
    const { merged } = known;
    known.merged = 0;
    return merged;
  }
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}...` : text;
}
