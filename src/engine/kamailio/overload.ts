import type { Partition } from '../partition.js';
import { parseAttributes } from './attributes.js';
import { kamailioOf } from './flavour.js';
import { liveOf } from './live.js';

/** A destination's report of its overload. */
export interface OverloadAnnouncement {
  /** Percentage of calls to skip; an invalid one means all. Limited by the destination's ocmin and ocmax. */
  readonly rate: number;
  /** Milliseconds for which the report is valid; with 0 it is only shown (recorded). */
  readonly time: number;
  /** Increases with each report: older ones are ignored. */
  readonly seq: number;
}

/**
 * ds_oc_set_attrs: a destination asks for fewer calls (algorithm 64). Returns 1: stored; -1: no such set; -2: no
 * destination with this URI in the set, or all have a newer report.
 */
export function announceOverload(
  partition: Partition,
  setId: number,
  uri: string,
  announcement: OverloadAnnouncement,
): 1 | -1 | -2 {
  if (!partition.snapshot.sets.has(setId)) return -1;
  const now = kamailioOf(partition)?.now() ?? 0;
  const { rate } = announcement;
  const asked = rate >= 0 && rate <= 100 ? rate : 100;
  let noted: 1 | -2 = -2;
  for (const destination of partition.findAll(setId, uri)) {
    const live = liveOf(destination);
    if (live.overload !== undefined && announcement.seq <= live.overload.seq) continue;
    const { ocMin, ocMax } = parseAttributes(destination.row.attrs);
    live.overload = {
      rate: Math.min(ocMax, Math.max(ocMin, asked)),
      until: now + Math.max(0, announcement.time),
      seq: announcement.seq,
      debt: 0,
      decisions: 0,
    };
    noted = 1;
  }
  return noted;
}
