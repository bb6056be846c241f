import type { Settings } from '../config/settings.js';
import { messageOf, SwitchyardError } from '../core/errors.js';
import { ownValue } from '../core/own-value.js';
import type { CompiledSet } from '../engine/compiled-set.js';
import type { Destination, DestinationRow, HealthState } from '../engine/destination.js';
import type { Engine } from '../engine/engine.js';
import type { FlavourName } from '../engine/options.js';
import type { Partition } from '../engine/partition.js';
import { destinationsOf } from '../engine/set.js';
import { RowReader } from '../store/rows.js';

/** Assumptions that replace the actual state. */
export interface Assumptions {
  /** States by the URI of the destination. */
  readonly states: ReadonlyMap<string, HealthState>;
  /** In which partitions states are assumed; default: all. */
  readonly sees?: ((partition: string) => boolean) | undefined;
  /** The assumed rows of a partition. */
  readonly table: { readonly partition: string; readonly rows: readonly DestinationRow[] } | undefined;
}

/** Maximum number of destinations that are copied, since calls wait meanwhile. */
const MAX_DESTINATIONS = 20_000;

/**
 * Copies the destinations of an engine to another one, with states, weights and round robin positions, except for what
 * is assumed. Throws SwitchyardError USAGE for too many, and for the state of an unknown destination.
 */
export function copyTables(from: Engine, to: Engine, { states, table, sees = () => true }: Assumptions): void {
  const count = [...from.partitions].reduce((sum, { snapshot }) => sum + snapshot.size, table?.rows.length ?? 0);
  if (count > MAX_DESTINATIONS)
    throw new SwitchyardError('USAGE', `there are ${count} destinations: at most ${MAX_DESTINATIONS} are copied`);
  const unused = new Set(states.keys());
  for (const partition of from.partitions) {
    const { name, snapshot } = partition;
    const copy = to.partition(name);
    if (copy === undefined) continue;
    const live = inRowOrder(partition);
    const rows = live.map(({ row, health }) => ({ ...row, weight: health.weight ?? row.weight }));
    copy.load(table?.partition === name ? table.rows : rows, { inheritState: true });
    const known = new Map(live.map((each) => [each.key, each]));
    for (const destination of destinationsOf(copy.snapshot)) {
      const { uri } = destination.row;
      const now = known.get(destination.key);
      if (now !== undefined) destination.resolved = now.resolved;
      const assumed = sees(name) ? states.get(uri) : undefined;
      // First the actual state, then the assumed one, so that the last change is recorded only if they differ.
      for (const state of [now?.health.state, assumed]) {
        if (state === undefined || state === destination.health.state) continue;
        to.states.apply({ destination, kind: 'set', to: state, origin: 'mi', reason: 'assumed' });
      }
      if (now !== undefined) {
        const { failures, lastProbe, scriptAttrs, own, hits } = now.health;
        const isAssumed = assumed !== undefined && assumed !== now.health.state;
        const { lastChange } = isAssumed ? destination.health : now.health;
        Object.assign(destination.health, { failures, lastProbe, lastChange, scriptAttrs, hits });
        if (own !== undefined && assumed === undefined) copy.flavour.copyLive(now, destination);
      }
      if (sees(name)) unused.delete(uri);
    }
    for (const [id, set] of snapshot.sets) {
      const same = copy.snapshot.sets.get(id);
      if (same?.destinations.length !== set.destinations.length) continue;
      (same as CompiledSet).copyPositions(set as CompiledSet);
    }
  }
  const [unknown] = unused;
  if (unknown !== undefined)
    throw new SwitchyardError('USAGE', `there is no destination "${unknown}" whose state could be assumed`);
}

/** The destinations in an order in which loading their rows yields the same sets. */
function inRowOrder({ snapshot, flavour }: Partition): readonly Destination[] {
  return [...snapshot.setOrder].flatMap((id) => {
    const destinations = snapshot.sets.get(id)?.destinations ?? [];
    return flavour.equalPriorities === 'reverse row order' ? [...destinations].reverse() : destinations;
  });
}

const STATES: Readonly<Record<string, HealthState>> = {
  a: 'active',
  active: 'active',
  i: 'inactive',
  inactive: 'inactive',
  p: 'probing',
  probing: 'probing',
};

/** Parses states "URI=STATE URI=STATE". Throws SwitchyardError USAGE. */
export function assumedStates(text: string): ReadonlyMap<string, HealthState> {
  return new Map(
    text
      .split(/\s+/)
      .filter((each) => each !== '')
      .map((each) => {
        const equals = each.lastIndexOf('=');
        const state = ownValue(STATES, each.slice(equals + 1));
        if (equals < 1 || state === undefined) {
          throw new SwitchyardError(
            'USAGE',
            `expected URI=active, URI=inactive or URI=probing, not "${each.slice(0, 100)}"`,
          );
        }
        return [each.slice(0, equals), state] as const;
      }),
  );
}

/** Parses rows from JSON with column names, as a load would. Throws SwitchyardError USAGE for the first invalid one. */
export function assumedRows(text: string, flavour: FlavourName): readonly DestinationRow[] {
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch (error) {
    throw new SwitchyardError('USAGE', `table is not JSON: ${messageOf(error)}`, { cause: error });
  }
  if (!Array.isArray(values)) throw new SwitchyardError('USAGE', 'table is not an array of rows');
  const reader = new RowReader({ table: 'assumed', flavour, persistentState: true });
  for (const [i, value] of values.entries()) {
    const { probe_mode, ...row } = (value ?? {}) as Record<string, unknown>;
    reader.add({ ...row, probeMode: probe_mode }, `row ${i + 1}`);
  }
  const { rows, discarded } = reader.result();
  if (discarded[0] !== undefined) throw new SwitchyardError('USAGE', `${discarded[0].row}: ${discarded[0].reason}`);
  return rows;
}

/** Settings for a copy, which routes like the running daemon but writes to no file, bus or collector. */
export function settingsOfCopy(settings: Settings): Settings {
  return {
    ...settings,
    workers: 1,
    events: { ...settings.events, nats: undefined },
    calls: { ...settings.calls, nats: false, log: undefined },
    http: undefined,
    hep: undefined,
    telemetry: undefined,
    cluster: undefined,
  };
}
