import { trimmed, trimmedIfThere } from '../../core/characters.js';
import { markBits } from '../../engine/kamailio/states.js';
import type { Partition } from '../../engine/partition.js';
import type { DispatcherCallSite } from './call.js';
import { kamailioFor, kamailioSetFor, partitionFor } from './references.js';
import type { DispatcherSite } from './site.js';

/** Whether a text can be the state argument of ds_mark_dst. */
function isState(text: string): boolean {
  return /^(?:[012]|[aidtp]{1,2})$/i.test(text);
}

/** Marks the current destination of a partition's selection. */
function mark(site: DispatcherCallSite, partition: Partition, state: string): number {
  const { call } = site;
  const lists = call.dispatch.of(partition);
  const { flavour } = partition;
  const destination = flavour.marksFirstOfList ? lists?.first : lists?.current;
  if (destination === undefined) return -1;
  const wanted = flavour.markOf(state);
  if (wanted === undefined) return site.refused('ds_mark_dst', `state "${state}" is not one of a, i, d, t, p`);
  const reason = 'script function ds_mark()';
  const { states } = site.env.engine;
  states.apply({ destination, kind: 'set', origin: 'script', reason, code: call.replyCode, ...wanted });
  return 1;
}

/**
 * ds_mark_dst of OpenSIPS, with the arguments in both orders: (state, partition) of today, (partition, state) of 2.1.
 */
export function markOpensips(site: DispatcherCallSite, first: string | undefined, second: string | undefined): number {
  let state = trimmedIfThere(first);
  let name = trimmedIfThere(second);
  if (name !== undefined && isState(name) && (state === undefined || !isState(state))) [state, name] = [name, state];
  const found = partitionFor(site, 'ds_mark_dst', name);
  return found === undefined ? -1 : mark(site, found, state ?? '');
}

/** ds_mark_dst of Kamailio, for the partition used last. */
export function markKamailio(site: DispatcherCallSite, state = ''): number {
  const found = kamailioFor(site, 'ds_mark_dst', undefined);
  return found === undefined ? -1 : mark(site, found, trimmed(state));
}

/** ds_mark_addr of Kamailio: sets the state of any destination, without regard to thresholds. */
export function markAddress(site: DispatcherSite, state: string, set: string, uri: string, partition?: string): number {
  const name = 'ds_mark_addr';
  const found = kamailioSetFor(site, name, set, partition);
  if (found === undefined) return -1;
  const bits = markBits(trimmed(state), found.flavour.options);
  if (bits === undefined) return site.refused(name, `state "${state}" is not one of a, i, d, t, p`);
  const destination = found.partition.find(found.setId, uri);
  if (destination === undefined) return -1;
  const reason = 'script function ds_mark_addr()';
  site.env.engine.states.apply({ destination, kind: 'set', mark: { bits, how: 'set' }, origin: 'script', reason });
  return 1;
}
