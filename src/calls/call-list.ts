import { nextIteration } from '../core/event-loop.js';
import { callEntry } from './call-entry.js';
import type { CallEntry } from './call-entry-types.js';
import { type CallFilter, checkFilter, isExcluded, isWanted } from './call-filter.js';
import type { CallLedger } from './call-ledger.js';
import type { Privacy } from './privacy.js';

/** Records examined in one event loop iteration: each takes some microseconds. */
const LOOKED_AT_PER_ITERATION = 100;
/** Records one answer holds at most. */
export const MAX_LISTED = 1000;

/** Whose records are listed, and how they are shown. */
export interface ListOptions {
  readonly node: string;
  readonly privacy: Privacy;
  /** Maximum number of entries, up to MAX_LISTED. */
  readonly limit: number;
}

/**
 * The records that match, oldest first: the newest `limit` of them, or, with `after`, the first `limit` that are new or
 * changed since that number, in order of their changes. Throws SwitchyardError USAGE for a filter that can match no
 * record.
 */
export async function listCalls(ledger: CallLedger, filter: CallFilter, options: ListOptions): Promise<CallEntry[]> {
  checkFilter(filter);
  const limit = Math.min(Math.max(options.limit, 1), MAX_LISTED);
  const { after } = filter;
  const handles = ledger.handles(after);
  if (after === undefined) handles.reverse();
  else handles.sort((a, b) => a.changed - b.changed);
  const found: CallEntry[] = [];
  let seen = 0;
  for (const handle of handles) {
    if (++seen % LOOKED_AT_PER_ITERATION === 0) await nextIteration();
    const record = ledger.read(handle);
    // The record may have left the ring during an earlier iteration.
    if (record === undefined || isExcluded(record, filter)) continue;
    const entry = callEntry(record, options.node, options.privacy);
    if (!isWanted(entry, filter)) continue;
    found.push(entry);
    if (found.length === limit) break;
  }
  return after === undefined ? found.reverse() : found;
}
