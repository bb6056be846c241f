import { SwitchyardError } from '../core/errors.js';

/** Entries that are copied: it is done at once, while calls wait. */
const MOST = 50_000;

/** The same entries as objects of their own. Throws SwitchyardError USAGE for more than are copied at once. */
export function copiedEntries<T extends object>(entries: ReadonlyMap<string, T>): Map<string, T> {
  return new Map([...copiedList(entries.size, entries)].map(([key, entry]) => [key, { ...entry }]));
}

/** The entries, of which there are so many. Throws SwitchyardError USAGE for more than are copied at once. */
export function copiedList<T>(size: number, entries: Iterable<T>): Iterable<T> {
  if (size > MOST) {
    throw new SwitchyardError('USAGE', `a table has ${size} entries: more than ${MOST} are not copied`);
  }
  return entries;
}
