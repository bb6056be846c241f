import type { ManagementCall } from '../../../access/call.js';
import { nextIteration } from '../../../core/event-loop.js';
import { maskUri } from '../../../core/mask.js';
import type { Destination, HealthState } from '../../../engine/destination.js';
import type { Partition } from '../../../engine/partition.js';
import type { MiCommand } from '../command.js';
import { MiError } from '../command.js';
import type { MiDependencies } from '../dependencies.js';
import { destinationsAt, parseGroup, parseState, requirePartition } from './partition-lookup.js';

/** The reason in events for a state set by a command (recorded). */
const REASON = 'MI command';
/** States set per event loop iteration: each is logged, counted, sent to subscribers and written to NATS. */
const CHANGES_PER_ITERATION = 50;
/** Milliseconds in which a change must reach all nodes of the cluster. */
const SHARED_MS = 2000;

/**
 * ds_set_state, dispatcher:set_state: state, group ("5", "p2:5"), address (a URI as stored, without case; our own:
 * "all").
 */
export function dsSetStateCommand(deps: MiDependencies): MiCommand {
  return {
    name: 'ds_set_state',
    aliases: ['dispatcher:set_state'],
    module: 'dispatcher',
    help: 'sets the state (active, inactive, probing) of a destination: state, group "[partition:]set", address or "all"',
    helpNotExported: true,
    needs: { role: 'operator' },
    changes: true,
    paramLists: [
      [
        { name: 'state', type: 'string' },
        { name: 'group', type: 'string' },
        { name: 'address', type: 'string' },
      ],
    ],
    // The reason for the change, for the audit record.
    extraParams: [{ name: 'comment', type: 'string' }],
    async run(params, call) {
      const state = parseState(params['state'] as string);
      const group = parseGroup(params['group'] as string);
      const partition = requirePartition(deps, call, group.partition, 404);
      const address = params['address'] as string;
      if (address.toLowerCase() === 'all') {
        const all = partition.snapshot.sets.get(group.setId)?.destinations ?? [];
        await setAll(deps, call, all, state);
        return written(deps, partition, all);
      }
      const named = destinationsAt(partition, group.setId, address);
      if (named.length === 0) throw new MiError(404, 'destination not found');
      for (const destination of named) setOne(deps, call, destination, state, address);
      return written(deps, partition, named);
    },
  };
}

function setOne(
  deps: MiDependencies,
  call: ManagementCall,
  destination: Destination,
  state: HealthState,
  address: string | undefined,
): void {
  const { row, setId, health } = destination;
  if (health.state !== state) call.changed(`${maskUri(row.uri)} of set ${setId}: ${health.state} to ${state}`);
  deps.states.apply({ destination, kind: 'set', to: state, origin: 'mi', reason: REASON, address });
}

/**
 * The answer "OK" promises that the change survives a crash: it is in the table, or the answer says that it is not yet.
 * In a cluster it has reached all nodes, or the answer says so.
 */
async function written(
  deps: MiDependencies,
  { name, options }: Partition,
  destinations: readonly Destination[],
): Promise<string> {
  const isShared = await deps.cluster?.()?.settled(destinations, SHARED_MS);
  if (isShared === false) return 'OK, not shared yet';
  const isWritten = await deps.dispatcher.writeThrough(name);
  return isWritten || options.compat === 'strict' ? 'OK' : 'OK, not yet in the table';
}

async function setAll(
  deps: MiDependencies,
  call: ManagementCall,
  destinations: readonly Destination[],
  state: HealthState,
): Promise<void> {
  if (destinations.length === 0) throw new MiError(404, 'destination not found');
  for (const [i, destination] of destinations.entries()) {
    if (i > 0 && i % CHANGES_PER_ITERATION === 0) await nextIteration();
    setOne(deps, call, destination, state, undefined);
  }
}
