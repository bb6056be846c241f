import { AddressIndex } from './address-index.js';
import type { CompiledDestination } from './compiled-destination.js';
import type { CompiledSet } from './compiled-set.js';
import type { Snapshot } from './set.js';
import { equalsIgnoringCase, type UriIndex } from './uri-index.js';

/** A snapshot, with the data that the next load inherits. */
export class CompiledSnapshot implements Snapshot {
  constructor(
    readonly generation: number,
    readonly loadedAt: number,
    readonly sets: ReadonlyMap<number, CompiledSet>,
    readonly setOrder: readonly number[],
    readonly size: number,
    readonly uris: ReadonlyMap<number, UriIndex>,
    readonly addresses: AddressIndex,
  ) {}

  /**
   * The destinations of a set with a row URI, by position. A URI in the stored spelling is found in an index. For
   * another letter case the set is searched, which takes a millisecond for a hundred thousand destinations.
   */
  findAll(setId: number, uri: string): readonly CompiledDestination[] {
    const index = this.uris.get(setId);
    if (index === undefined) return [];
    const exact = index.at(uri);
    if (exact.length === 1) return exact;
    if (exact.length > 1) return [...exact].sort((a, b) => a.index - b.index);
    const destinations = (this.sets.get(setId)?.destinations ?? []) as readonly CompiledDestination[];
    return destinations.filter((each) => equalsIgnoringCase(each.row.uri, uri));
  }
}

/** The snapshot of a partition before its first load; `now` in milliseconds since the epoch. */
export function emptySnapshot(now: number): CompiledSnapshot {
  return new CompiledSnapshot(0, now, new Map(), [], 0, new Map(), new AddressIndex({ version: 0 }));
}
