import { AddressIndex } from './address-index.js';
import { CompiledDestination, dialPartsOf, isIpLiteral, newHealth } from './compiled-destination.js';
import { CompiledSet } from './compiled-set.js';
import type { Availability, DestinationRow, Health, HealthState, ResolvedAddress } from './destination.js';
import type { SetRules } from './flavour.js';
import type { PartitionOptions } from './options.js';
import { type Discarded, type LoadOptions, type LoadReport, type RowPosition, UNRESOLVED } from './partition.js';
import { inOrderOfPriority } from './set-order.js';
import { CompiledSnapshot } from './snapshot.js';
import { UriIndex } from './uri-index.js';

/** Flag of a row whose host name need not resolve at load. */
const NO_DNS = 16;
/** Rows compiled between two yields: some hundred microseconds. */
const SLICE = 100;

/** What all loads of one partition share. */
export interface Shared {
  /** By set ID. */
  readonly availabilities: ReadonlyMap<number, Availability>;
  readonly resolutions: { version: number };
  /** Serial number of the row loaded last. */
  readonly serials: { last: number };
  /** Where round robin begins in a new set, as a fraction of the set. */
  readonly begin: { readonly part: number };
}

/** The result of compiling rows; the partition is not changed yet. */
export interface Compiled {
  readonly snapshot: CompiledSnapshot;
  readonly report: LoadReport;
  /** Destinations that keep their Health but get the state of the row. */
  readonly restores: readonly { readonly destination: CompiledDestination; readonly state: HealthState }[];
  /** Destinations whose row has a new weight, which overrides a weight set at run time. */
  readonly reweighed: readonly CompiledDestination[];
  /** Destinations with attributes from scripts, which a reload from the table drops. */
  readonly attributed: readonly CompiledDestination[];
  /** The Availability of each new set. */
  readonly availabilities: ReadonlyMap<number, Availability>;
}

interface OpenSet {
  readonly members: CompiledDestination[];
  readonly uris: UriIndex;
  readonly availability: Availability;
}

/**
 * Compiles rows to a new snapshot. A generator, so that the caller may pause or stop between slices. Rows of one set
 * with the same URI and socket are, depending on the flavour, one destination with several positions and one health, or
 * destinations of their own.
 */
export function* compileRows(
  partition: PartitionOptions,
  rules: SetRules,
  rows: readonly DestinationRow[],
  options: LoadOptions,
  previous: CompiledSnapshot,
  shared: Shared,
  now: number,
): Generator<void, Compiled> {
  const eachItsOwn = rules.repeatedRows === 'destinations of their own';
  const open = new Map<number, OpenSet>();
  const availabilities = new Map<number, Availability>();
  const addresses = new AddressIndex(shared.resolutions);
  const discarded: Discarded[] = [];
  const restores: { destination: CompiledDestination; state: HealthState }[] = [];
  const reweighed: CompiledDestination[] = [];
  const attributed: CompiledDestination[] = [];
  const added: string[] = [];
  const changed: string[] = [];
  let size = 0;

  for (let i = 0; i < rows.length; i++) {
    if (i % SLICE === SLICE - 1) yield;
    const row = rows[i] as DestinationRow;
    const parts = Number.isSafeInteger(row.setId) ? dialPartsOf(row.uri) : 'set id is not an integer';
    if (typeof parts === 'string') {
      discarded.push({ row: nameOf(row), reason: parts, at: positionOf(row) });
      continue;
    }
    const apart = eachItsOwn ? (open.get(row.setId)?.uris.count(row.uri, row.socket) ?? 0) : 0;
    const before = previous.uris.get(row.setId)?.find(row.uri, row.socket, apart);
    const { host } = parts.uri;
    let resolved: readonly ResolvedAddress[] | undefined;
    if (!isIpLiteral(host)) {
      resolved = options.resolve === undefined ? before?.resolved : options.resolve(parts.uri, parts.transport);
      const mustResolve = options.resolve !== undefined && ((row.flags ?? 0) & NO_DNS) === 0;
      if (mustResolve && (resolved === undefined || resolved.length === 0)) {
        discarded.push({ row: nameOf(row), reason: `host "${host}" ${UNRESOLVED}`, at: positionOf(row) });
        continue;
      }
      resolved ??= [];
    }

    let set = open.get(row.setId);
    if (set === undefined) {
      let availability = shared.availabilities.get(row.setId);
      if (availability === undefined) {
        availability = { version: 0, weights: 0, resolutions: shared.resolutions };
        availabilities.set(row.setId, availability);
      }
      set = { members: [], uris: new UriIndex(), availability };
      open.set(row.setId, set);
    }
    const twin = eachItsOwn ? undefined : set.uris.find(row.uri, row.socket);
    const state = partition.persistentState ? row.state : 'active';
    const health: Health = (twin ?? before)?.health ?? newHealth(state, set.availability);
    const destination = new CompiledDestination(partition.name, row, health, resolved);
    destination.serial = ++shared.serials.last;
    if (apart > 0) destination.setApart(apart);
    if (twin === undefined && before === undefined) added.push(nameOf(row));
    if (twin === undefined && before !== undefined) {
      if (differs(before.row, row)) changed.push(nameOf(row));
      if (weightDiffers(before.row, row)) reweighed.push(destination);
      if (options.dropScriptAttrs === true && health.scriptAttrs !== undefined) attributed.push(destination);
      // Flags that were edited in the table or file override the state.
      const edited = (before.row.flags ?? 0) !== (row.flags ?? 0);
      if (!options.inheritState || edited) restores.push({ destination, state });
    }
    if (resolved === undefined) addresses.addLiteral(destination, host);
    else addresses.addNamed(destination);
    set.uris.add(destination);
    set.members.push(destination);
    size++;
  }

  const sets = new Map<number, CompiledSet>();
  const uris = new Map<number, UriIndex>();
  for (const [id, set] of open) {
    yield;
    const ordered = yield* inOrderOfPriority(set.members, rules.equalPriorities);
    const compiled = new CompiledSet(id, ordered, set.availability);
    const earlier = previous.sets.get(id);
    if (earlier !== undefined) compiled.continueFrom(earlier);
    else compiled.beginAt(shared.begin.part);
    sets.set(id, compiled);
    uris.set(id, set.uris);
  }

  const removed = yield* namesOfRemoved(previous, uris);
  const snapshot = new CompiledSnapshot(previous.generation + 1, now, sets, [...sets.keys()], size, uris, addresses);
  return {
    snapshot,
    report: { loaded: size, discarded, added, removed, changed },
    restores,
    reweighed,
    attributed,
    availabilities,
  };
}

function* namesOfRemoved(previous: CompiledSnapshot, uris: ReadonlyMap<number, UriIndex>): Generator<void, string[]> {
  const removed: string[] = [];
  let seen = 0;
  for (const [id, set] of previous.sets) {
    const still = uris.get(id);
    const before = previous.uris.get(id);
    for (const destination of set.destinations) {
      if (++seen % (SLICE * 10) === 0) yield;
      const { uri, socket } = destination.row;
      // A destination with several rows is listed once, for the first of them.
      if (still?.find(uri, socket) === undefined && before?.find(uri, socket) === destination) {
        removed.push(nameOf(destination.row));
      }
    }
  }
  return removed;
}

function positionOf({ rowId, setId, uri }: DestinationRow): RowPosition {
  return { id: rowId, column: 'destination', setId, uri };
}

function nameOf(row: DestinationRow): string {
  return `${row.setId} ${row.uri}`;
}

function weightDiffers(a: DestinationRow, b: DestinationRow): boolean {
  return a.weight !== b.weight || a.weightFeed !== b.weightFeed;
}

function differs(a: DestinationRow, b: DestinationRow): boolean {
  return (
    weightDiffers(a, b) ||
    a.priority !== b.priority ||
    a.attrs !== b.attrs ||
    a.description !== b.description ||
    a.probeMode !== b.probeMode ||
    (a.flags ?? 0) !== (b.flags ?? 0)
  );
}
