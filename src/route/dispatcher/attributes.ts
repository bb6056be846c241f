import type { Destination } from '../../engine/destination.js';
import { integerOf } from '../../pvar/context.js';
import type { Format } from '../../pvar/format.js';
import { setReference } from './references.js';
import type { DispatcherSite } from './site.js';

/**
 * Sets the script attributes of all destinations of one set, or of all sets, that have this port (0: any); returns
 * their number.
 */
export function pushScriptAttrs(
  destinations: readonly Destination[],
  attrs: string,
  port: number,
  setId: number | undefined,
): number {
  let count = 0;
  for (const destination of destinations) {
    if (setId !== undefined && destination.setId !== setId) continue;
    if (port !== 0 && !destination.resolved.some((address) => address.port === port)) continue;
    destination.health.scriptAttrs = attrs;
    count++;
  }
  return count;
}

/** ds_push_script_attrs: attaches attributes to the destinations with this address in a set (-1: in all sets). */
export function pushAttributes(
  site: DispatcherSite,
  attrs: string,
  ip: string,
  port: string,
  set: string,
  partition?: string,
): number {
  const found = setReference(site.env.engine, set, partition);
  if (typeof found === 'string') return site.refused('ds_push_script_attrs', found);
  pushScriptAttrs(
    found.partition.destinationsAt(ip.replace(/^\[(.*)\]$/, '$1')),
    attrs,
    integerOf(port) ?? 0,
    found.setId === -1 ? undefined : found.setId,
  );
  // As recorded, also when no destination has the address.
  return 1;
}

/** ds_get_script_attrs: writes the attributes attached to a destination, "" when there are none. */
export function getAttributes(
  site: DispatcherSite,
  uri: string,
  set: string,
  partition: string | undefined,
  result: Format,
): number {
  const found = setReference(site.env.engine, set, partition);
  if (typeof found === 'string') return site.refused('ds_get_script_attrs', found);
  const destination = found.partition.find(found.setId ?? -1, uri);
  if (destination === undefined) return -1;
  result.assign(site.pvars, destination.health.scriptAttrs ?? '');
  return 1;
}
