import type { Caller } from './caller.js';

/** The most changes that an audit record lists one by one. */
const MAX_NOTES = 20;

/** One call of a management command: who calls, and what the command did, for the audit record. */
export class ManagementCall {
  /** Partition the call is about; set when the command knows it. */
  partition: string | undefined;
  /** Whether the caller asked for a partition that it may not see. */
  refused = false;
  private readonly notes: string[] = [];
  private count = 0;

  constructor(readonly caller: Caller) {}

  /**
   * Adds a change to the audit record, in words: "sip:a of set 5: active to inactive". Only the first ones are kept.
   */
  changed(what: string): void {
    if (++this.count <= MAX_NOTES) this.notes.push(what);
  }

  /** The changes; when some were not kept, the last entry gives their number. */
  get changes(): readonly string[] {
    const more = this.count - this.notes.length;
    return more > 0 ? [...this.notes, `and ${more} more`] : this.notes;
  }
}
