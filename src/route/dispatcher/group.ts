import { groupCounts, groupOverload } from '../../engine/kamailio/group.js';
import { announceOverload } from '../../engine/kamailio/overload.js';
import type { Partition } from '../../engine/partition.js';
import { integerOf, type PvarValue } from '../../pvar/context.js';
import { setFor } from './references.js';
import type { DispatcherEnvironment, DispatcherSite } from './site.js';

/** ds_dsg_fetch and ds_dsg_fetch_uri of Kamailio: choose the set, and the destination in it, that $dsg(...) reads. */
export function fetchGroup(site: DispatcherSite, set: string, uri?: string, partition?: string): number {
  const found = setFor(site, 'ds_dsg_fetch', set, partition);
  if (found === undefined) return -1;
  const { env } = site;
  site.pvars.groupField = (field) => groupField(env, found.partition, found.setId, uri, field);
  return 1;
}

/**
 * ds_oc_set_attrs of Kamailio: stores a destination's request for fewer calls (algorithm 64). -2 when no destination
 * accepted it.
 */
export function setOverload(
  site: DispatcherSite,
  set: string,
  uri: string,
  rate: string,
  time: string,
  seq: string,
  partition?: string,
): number {
  const name = 'ds_oc_set_attrs';
  const found = setFor(site, name, set, partition);
  if (found === undefined) return -1;
  const [percent, milliseconds, number] = [integerOf(rate), integerOf(time), integerOf(seq)];
  if (percent === undefined || milliseconds === undefined || number === undefined) {
    return site.refused(name, 'rate, time and sequence must be numbers');
  }
  return announceOverload(found.partition, found.setId, uri, { rate: percent, time: milliseconds, seq: number });
}

/** Value of $dsg(field). */
function groupField(
  { clock }: DispatcherEnvironment,
  partition: Partition,
  setId: number,
  uri: string | undefined,
  field: string,
): PvarValue {
  const counts = groupCounts(partition, setId);
  if (counts === undefined) return null;
  const percent = (part: number) => (counts.count === 0 ? 0 : Math.floor((part * 100) / counts.count));
  switch (field) {
    case 'count':
      return counts.count;
    case 'active':
      return counts.active;
    case 'inactive':
      return counts.inactive;
    case 'pactive':
      return percent(counts.active);
    case 'pinactive':
      return percent(counts.inactive);
  }
  const overload = uri === undefined ? undefined : groupOverload(partition, setId, uri);
  if (overload === undefined) return null;
  const until = overload.until === 0 ? 0 : clock.now() + overload.until - clock.monotonic();
  switch (field) {
    case 'octime_sec':
      return Math.floor(until / 1000);
    case 'octime_usec':
      return Math.floor(until % 1000) * 1000;
    case 'ocseq':
      return overload.seq;
    case 'ocrate':
      return overload.rate;
    default:
      return null;
  }
}
