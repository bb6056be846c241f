import type { Caller } from './caller.js';

/** The most changes that an audit record lists one by one. */
const MAX_NOTES = 20;

/** One call of a management command: who calls, and what the command did, for the audit record. */
export class ManagementCall {
  /** Partition the call is about, once the command knows it. */
  partition: string | undefined;
  /** The caller asked for a partition that it may not see. */
  refused = false;
  private readonly notes: string[] = [];
  private count = 0;

  constructor(readonly caller: Caller) {}

  /** Notes one thing that was changed, in words: "sip:a of set 5: active to inactive". A bounded number is kept. */
  changed(what: string): void {
    if (++this.count <= MAX_NOTES) this.notes.push(what);
  }

  /** What was changed; the last one says how many are left out. */
  get changes(): readonly string[] {
    const more = this.count - this.notes.length;
    return more > 0 ? [...this.notes, `and ${more} more`] : this.notes;
  }
}
