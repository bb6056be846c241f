import { SwitchyardError } from '../core/errors.js';

/** Maximum number of entries to copy: calls wait while the copy is made. */
const MAX_ENTRIES = 50_000;

/** Copies entries and their objects. Throws SwitchyardError USAGE when there are too many. */
export function copiedEntries<T extends object>(entries: ReadonlyMap<string, T>): Map<string, T> {
  return new Map([...copiedList(entries.size, entries)].map(([key, entry]) => [key, { ...entry }]));
}

/** The entries, if `size`, their number, is not too large to copy. Throws SwitchyardError USAGE otherwise. */
export function copiedList<T>(size: number, entries: Iterable<T>): Iterable<T> {
  if (size > MAX_ENTRIES) {
    throw new SwitchyardError('USAGE', `a table has ${size} entries: more than ${MAX_ENTRIES} are not copied`);
  }
  return entries;
}
