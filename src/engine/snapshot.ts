import { AddressIndex } from './address-index.js';
import { CompiledDestination, destinationKey, dialPartsOf, literalAddress, newHealth } from './compile.js';
import { CompiledSet } from './compiled-set.js';
import type { Availability, DestinationRow, Health, HealthState, ResolvedAddress } from './destination.js';
import type { Discarded, LoadOptions, LoadReport, PartitionOptions, Snapshot } from './partition.js';

/** Rows compiled before others get a turn; some tens of microseconds a hundred. */
const SLICE = 500;

/** A snapshot with what the next load needs to inherit from it. */
export class CompiledSnapshot implements Snapshot {
  private readonly byUri = new Map<number, Map<string, CompiledDestination[]>>();

  constructor(
    readonly generation: number,
    readonly loadedAt: number,
    readonly sets: ReadonlyMap<number, CompiledSet>,
    readonly setOrder: readonly number[],
    readonly size: number,
    /** The first row of each destination. */
    readonly byKey: ReadonlyMap<string, CompiledDestination>,
    readonly addresses: AddressIndex,
  ) {}

  /** Destinations of a set by row URI without regard to case; the index is built when a set is first asked for. */
  findAll(setId: number, uri: string): readonly CompiledDestination[] {
    let index = this.byUri.get(setId);
    if (index === undefined) {
      const set = this.sets.get(setId);
      if (set === undefined) return [];
      index = new Map();
      for (const destination of set.destinations as readonly CompiledDestination[]) {
        const folded = destination.row.uri.toLowerCase();
        const same = index.get(folded);
        if (same === undefined) index.set(folded, [destination]);
        else same.push(destination);
      }
      this.byUri.set(setId, index);
    }
    return index.get(uri.toLowerCase()) ?? [];
  }
}

export function emptySnapshot(now: number): CompiledSnapshot {
  return new CompiledSnapshot(0, now, new Map(), [], 0, new Map(), new AddressIndex({ version: 0 }));
}

/** What came out of compiling: nothing of the partition has been touched yet. */
export interface Compiled {
  readonly snapshot: CompiledSnapshot;
  readonly report: LoadReport;
  /** States to be taken from the rows of destinations that keep their Health. */
  readonly restores: readonly { readonly destination: CompiledDestination; readonly state: HealthState }[];
  /** Availability of sets that were not there before. */
  readonly availabilities: ReadonlyMap<number, Availability>;
}

interface OpenSet {
  readonly members: CompiledDestination[];
  /** No two priorities differ so far. */
  uniform: boolean;
}

/**
 * Compiles rows into a snapshot, aside. A generator, so that the caller decides whether to stop between slices. Rows of
 * one set with the same URI and socket are one destination in several positions: they share the health of the first.
 */
export function* compileRows(
  partition: PartitionOptions,
  rows: readonly DestinationRow[],
  options: LoadOptions,
  previous: CompiledSnapshot,
  known: ReadonlyMap<number, Availability>,
  resolutions: { version: number },
  now: number,
): Generator<void, Compiled> {
  const open = new Map<number, OpenSet>();
  const byKey = new Map<string, CompiledDestination>();
  const availabilities = new Map<number, Availability>();
  const addresses = new AddressIndex(resolutions);
  const discarded: Discarded[] = [];
  const restores: { destination: CompiledDestination; state: HealthState }[] = [];
  const added: string[] = [];
  const changed: string[] = [];
  let size = 0;

  for (let i = 0; i < rows.length; i++) {
    if (i % SLICE === SLICE - 1) yield;
    const row = rows[i] as DestinationRow;
    const refuse = (reason: string) => discarded.push({ row: nameOf(row), reason });
    if (!Number.isSafeInteger(row.setId)) {
      refuse('set id is not an integer');
      continue;
    }
    const parts = dialPartsOf(row);
    if (typeof parts === 'string') {
      refuse(parts);
      continue;
    }
    const key = destinationKey(partition.name, row.setId, row.uri, row.socket);
    const before = previous.byKey.get(key);
    let resolved: readonly ResolvedAddress[];
    const literal = literalAddress(parts.uri.host, parts.uri.port, parts.transport);
    if (literal !== undefined) resolved = [literal];
    else if (options.resolve === undefined) resolved = before?.resolved ?? [];
    else {
      resolved = options.resolve(parts.uri, parts.transport) ?? [];
      if (resolved.length === 0) {
        refuse(`host "${parts.uri.host}" does not resolve`);
        continue;
      }
    }

    const twin = byKey.get(key);
    const state = partition.persistentState ? row.state : 'active';
    let health: Health;
    if (twin !== undefined) health = twin.health;
    else if (before !== undefined) health = before.health;
    else {
      let availability = known.get(row.setId) ?? availabilities.get(row.setId);
      if (availability === undefined) availabilities.set(row.setId, (availability = { version: 0, resolutions }));
      health = newHealth(state, availability);
    }
    const destination = new CompiledDestination(key, partition.name, row.setId, row, parts, health, resolved);
    if (twin === undefined) {
      byKey.set(key, destination);
      if (before === undefined) added.push(nameOf(row));
      else {
        if (differs(before.row, row)) changed.push(nameOf(row));
        if (!options.inheritState) restores.push({ destination, state });
      }
    }
    addresses.add(destination, literal !== undefined);
    const set = open.get(row.setId);
    if (set === undefined) open.set(row.setId, { members: [destination], uniform: true });
    else {
      if (row.priority !== (set.members[0] as CompiledDestination).row.priority) set.uniform = false;
      set.members.push(destination);
    }
    size++;
  }

  const sets = new Map<number, CompiledSet>();
  for (const [id, set] of open) {
    yield;
    const ordered = set.uniform ? set.members : yield* byPriority(set.members);
    if (partition.flavour === 'kamailio') reverseEquals(ordered);
    for (let i = 0; i < ordered.length; i++) (ordered[i] as CompiledDestination).index = i;
    // Every member got its health here or inherits one that was made for this partition and set.
    const availability = (ordered[0] as CompiledDestination).health.availability ?? { version: 0, resolutions };
    const compiled = new CompiledSet(id, ordered, availability);
    const earlier = previous.sets.get(id);
    if (earlier !== undefined) compiled.continueFrom(earlier);
    sets.set(id, compiled);
  }

  const removed: string[] = [];
  let seen = 0;
  for (const [key, destination] of previous.byKey) {
    if (++seen % (SLICE * 10) === 0) yield;
    if (!byKey.has(key)) removed.push(nameOf(destination.row));
  }
  const snapshot = new CompiledSnapshot(previous.generation + 1, now, sets, [...sets.keys()], size, byKey, addresses);
  return { snapshot, report: { loaded: size, discarded, added, removed, changed }, restores, availabilities };
}

/** Higher priority first, equal ones in row order. Buckets rather than one long sort, so that it can be interrupted. */
function* byPriority(members: readonly CompiledDestination[]): Generator<void, CompiledDestination[]> {
  const buckets = new Map<number, CompiledDestination[]>();
  for (let i = 0; i < members.length; i++) {
    if (i % (SLICE * 10) === SLICE * 10 - 1) yield;
    const member = members[i] as CompiledDestination;
    const bucket = buckets.get(member.row.priority);
    if (bucket === undefined) buckets.set(member.row.priority, [member]);
    else bucket.push(member);
  }
  const priorities = Float64Array.from(buckets.keys()).sort();
  const ordered: CompiledDestination[] = [];
  for (let i = priorities.length - 1; i >= 0; i--) {
    if (i % (SLICE * 10) === 0) yield;
    for (const member of buckets.get(priorities[i] as number) ?? []) ordered.push(member);
  }
  return ordered;
}

/** Kamailio lists destinations of equal priority in reverse load order. */
function reverseEquals(ordered: CompiledDestination[]): void {
  let start = 0;
  while (start < ordered.length) {
    const priority = (ordered[start] as CompiledDestination).row.priority;
    let end = start + 1;
    while (end < ordered.length && (ordered[end] as CompiledDestination).row.priority === priority) end++;
    for (let low = start, high = end - 1; low < high; low++, high--) {
      const kept = ordered[low] as CompiledDestination;
      ordered[low] = ordered[high] as CompiledDestination;
      ordered[high] = kept;
    }
    start = end;
  }
}

function nameOf(row: DestinationRow): string {
  return `${row.setId} ${row.uri}`;
}

function differs(a: DestinationRow, b: DestinationRow): boolean {
  return (
    a.weight !== b.weight ||
    a.priority !== b.priority ||
    a.attrs !== b.attrs ||
    a.description !== b.description ||
    a.probeMode !== b.probeMode ||
    (a.flags ?? 0) !== (b.flags ?? 0)
  );
}
