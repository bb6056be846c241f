import type { Engine } from '../../engine/engine.js';
import { kamailioOf } from '../../engine/kamailio/flavour.js';
import type { Partition } from '../../engine/partition.js';
import { integerOf } from '../../pvar/context.js';
import type { DispatcherCallSite } from './call.js';
import type { DispatcherSite } from './site.js';

/** Why a function of Kamailio's is refused for a partition. */
export const NOT_KAMAILIO = 'the partition is not of flavour kamailio';

/** A partition and a set, as "2", "part:2", "part : 2", "part:" name them. */
export interface SetReference {
  readonly partition: Partition;
  /** undefined when the text names none. */
  readonly setId: number | undefined;
}

/** Reads a set with its partition; the reason when that is not possible. `partition` names it for a set without. */
export function setReference(engine: Engine, text: string, partition = ''): SetReference | string {
  const colon = text.lastIndexOf(':');
  const prefix = colon < 0 ? '' : text.slice(0, colon).trim();
  const set = text.slice(colon + 1).trim();
  if (set !== '' && !/^[+-]?[0-9]{1,10}$/.test(set)) return `set "${set}" is not a number`;
  const name = prefix === '' ? partition.trim() : prefix;
  const found = engine.partition(name);
  if (found === undefined) return `no partition "${name}"`;
  return { partition: found, setId: set === '' ? undefined : Number(set) };
}

/** A partition by name, '' for the default one. Undefined, with a log line of function `name`, when there is none. */
export function partitionFor(site: DispatcherSite, name: string, partition = ''): Partition | undefined {
  const wanted = partition.trim();
  const found = site.env.engine.partition(wanted);
  if (found === undefined) site.refused(name, `no partition "${wanted}"`);
  return found;
}

/** The partition of that name; without one that of flavour kamailio used last, else the default one. */
export function kamailioFor(
  site: DispatcherCallSite,
  name: string,
  partition: string | undefined,
): Partition | undefined {
  const last = partition === undefined ? site.call.selections.lastKamailio : undefined;
  return last ?? partitionFor(site, name, partition);
}

/** A set that is named by its number. Undefined, with a log line of function `name`, when it is not. */
export function setFor(
  site: DispatcherSite,
  name: string,
  set: string,
  partition?: string,
): (SetReference & { readonly setId: number }) | undefined {
  const found = setReference(site.env.engine, set.trim(), partition);
  if (typeof found !== 'string' && found.setId !== undefined) return { ...found, setId: found.setId };
  site.refused(name, typeof found === 'string' ? found : 'no set is named');
  return undefined;
}

/** As `setFor`, in a partition of flavour kamailio. */
export function kamailioSetFor(site: DispatcherSite, name: string, set: string, partition?: string) {
  const found = setFor(site, name, set, partition);
  if (found === undefined) return undefined;
  const flavour = kamailioOf(found.partition);
  if (flavour !== undefined) return { ...found, flavour };
  site.refused(name, NOT_KAMAILIO);
  return undefined;
}

/** A number that may be left out; undefined, with a log line, for what is none. */
export function numberFor(site: DispatcherSite, name: string, what: string, text: string | undefined, otherwise = 0) {
  const number = text === undefined ? otherwise : integerOf(text);
  if (number === undefined) site.refused(name, `${what} "${text}" is not a number`);
  return number;
}
