import { SwitchyardError } from '../core/errors.js';
import type { CallEntry } from './call-entry-types.js';
import type { CallRecord } from './call-record.js';

/** Selects records. A field that is left out matches every record. */
export interface CallFilter {
  readonly partition?: string | undefined;
  /** Only records of these partitions. */
  readonly partitions?: ReadonlySet<string> | undefined;
  readonly set?: number | undefined;
  /** Text that the URI of a tried hop contains. */
  readonly destination?: string | undefined;
  /** "503", "5xx", or "failed" for all but 2xx. */
  readonly code?: string | undefined;
  /** Text that the URI of From contains. */
  readonly from?: string | undefined;
  /** Text that the URI of To or the request-URI contains. */
  readonly to?: string | undefined;
  readonly callId?: string | undefined;
  /** The beginning of the source address, such as "10.0.0.1:5060". */
  readonly source?: string | undefined;
  readonly method?: string | undefined;
  /** Only records whose last change has a greater number than this. */
  readonly after?: number | undefined;
}

/** Throws SwitchyardError USAGE for a filter that can match no record. */
export function checkFilter({ code }: CallFilter): void {
  if (code !== undefined && !/^(?:[1-6][0-9x]{2}|failed)$/i.test(code)) {
    throw new SwitchyardError(
      'USAGE',
      `code must be a status code, a class such as 5xx, or failed, not "${code.slice(0, 20)}"`,
    );
  }
}

/**
 * A cheap test on the stored record: true when the filter certainly rejects it. Most records of a long list need no
 * more than this.
 */
export function isExcluded({ code, text }: CallRecord, filter: CallFilter): boolean {
  if (filter.code !== undefined && !codeMatches(code, filter.code)) return true;
  return filter.callId !== undefined && !text.includes(filter.callId);
}

/** Whether the filter accepts a record, except for `after`, which the caller checks. */
export function isWanted(entry: CallEntry, filter: CallFilter): boolean {
  const { partition, partitions, set, destination, code, from, to, callId, source, method } = filter;
  if (partition !== undefined && entry.partition !== partition) return false;
  if (partitions !== undefined && (entry.partition === undefined || !partitions.has(entry.partition))) return false;
  if (set !== undefined && entry.sets?.includes(set) !== true) return false;
  if (callId !== undefined && entry.call_id !== callId) return false;
  if (method !== undefined && entry.method !== method.toUpperCase()) return false;
  if (code !== undefined && !codeMatches(entry.code, code)) return false;
  if (from !== undefined && !entry.from.includes(from)) return false;
  if (to !== undefined && !entry.to.includes(to) && !entry.ruri.includes(to)) return false;
  if (source !== undefined && !entry.source.slice(entry.source.indexOf(':') + 1).startsWith(source)) return false;
  return destination === undefined || entry.tries.some((each) => each.destination.includes(destination));
}

function codeMatches(code: number, wanted: string): boolean {
  if (/^failed$/i.test(wanted)) return code >= 300 || code < 200;
  const text = String(code);
  for (let i = 0; i < 3; i++) {
    const c = wanted.charAt(i);
    if (c !== 'x' && c !== 'X' && c !== text.charAt(i)) return false;
  }
  return true;
}
