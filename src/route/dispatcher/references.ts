import { trimmed } from '../../core/characters.js';
import type { Engine } from '../../engine/engine.js';
import { kamailioOf } from '../../engine/kamailio/flavour.js';
import type { Partition } from '../../engine/partition.js';
import { integerOf } from '../../pvar/context.js';
import type { DispatcherCallSite } from './call.js';
import type { DispatcherSite } from './site.js';

/** Why a function of Kamailio's module is refused for a partition. */
export const NOT_KAMAILIO = 'the partition is not of flavour kamailio';

/** A partition and a set, from a text such as "2", "part:2", "part : 2" or "part:". */
export interface SetReference {
  readonly partition: Partition;
  /** undefined when the text has no set. */
  readonly setId: number | undefined;
}

/** Parses a set with its partition, or returns the error. `partition` is used for a text without one. */
export function setReference(engine: Engine, text: string, partition = ''): SetReference | string {
  const colon = text.lastIndexOf(':');
  const prefix = colon < 0 ? '' : trimmed(text.slice(0, colon));
  const set = trimmed(text.slice(colon + 1));
  if (set !== '' && !/^[+-]?[0-9]{1,10}$/.test(set)) return `set "${set}" is not a number`;
  const name = prefix === '' ? trimmed(partition) : prefix;
  const found = engine.partition(name);
  if (found === undefined) return `no partition "${name}"`;
  return { partition: found, setId: set === '' ? undefined : Number(set) };
}

/**
 * The partition with a name, '' for the default one. Undefined when there is none; then the log says so and names the
 * function `name`.
 */
export function partitionFor(site: DispatcherSite, name: string, partition = ''): Partition | undefined {
  const wanted = trimmed(partition);
  const found = site.env.engine.partition(wanted);
  if (found === undefined) site.refused(name, `no partition "${wanted}"`);
  return found;
}

/** The partition with that name; without a name the Kamailio partition used last, else the default one. */
export function kamailioFor(
  site: DispatcherCallSite,
  name: string,
  partition: string | undefined,
): Partition | undefined {
  const last = partition === undefined ? site.call.selections.lastKamailio : undefined;
  return last ?? partitionFor(site, name, partition);
}

/** A set given by its number. Undefined when it is not a number; then the log says so and names the function `name`. */
export function setFor(
  site: DispatcherSite,
  name: string,
  set: string,
  partition?: string,
): (SetReference & { readonly setId: number }) | undefined {
  const found = setReference(site.env.engine, trimmed(set), partition);
  if (typeof found !== 'string' && found.setId !== undefined) return { ...found, setId: found.setId };
  site.refused(name, typeof found === 'string' ? found : 'no set is named');
  return undefined;
}

/** Like `setFor`, in a Kamailio partition. */
export function kamailioSetFor(site: DispatcherSite, name: string, set: string, partition?: string) {
  const found = setFor(site, name, set, partition);
  if (found === undefined) return undefined;
  const flavour = kamailioOf(found.partition);
  if (flavour !== undefined) return { ...found, flavour };
  site.refused(name, NOT_KAMAILIO);
  return undefined;
}

/** An optional number; undefined, with a log line, for any other text. */
export function numberFor(site: DispatcherSite, name: string, what: string, text: string | undefined, otherwise = 0) {
  const number = text === undefined ? otherwise : integerOf(text);
  if (number === undefined) site.refused(name, `${what} "${text}" is not a number`);
  return number;
}
