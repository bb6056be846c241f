import { messageOf, SwitchyardError } from '../../../core/errors.js';
import { maskSecrets, maskUri } from '../../../core/mask.js';
import { parseUri } from '../../../core/uri.js';
import type { DestinationRow } from '../../../engine/destination.js';
import type { MiCommand, MiParams } from '../command.js';
import { MiError } from '../command.js';
import type { MiDependencies } from '../dependencies.js';
import { isYes } from '../parameters.js';
import { destinationsAt, parseSetId, parseState, requirePartition } from './partition-lookup.js';

function textOf(params: MiParams, name: string): string {
  return (params[name] as string | undefined) ?? '';
}

function numberOf(params: MiParams, name: string, byDefault: number): number {
  return (params[name] as number | undefined) ?? byDefault;
}

/** Converts an error of the daemon or the database to an MI error. */
async function reported<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof SwitchyardError) throw new MiError(500, maskSecrets(messageOf(error)));
    throw error;
  }
}

/** The positional parameters that identify a destination. */
const ONE_DESTINATION: MiCommand['paramLists'] = [
  [
    { name: 'set', type: 'int' },
    { name: 'uri', type: 'string' },
  ],
  [
    { name: 'partition', type: 'string' },
    { name: 'set', type: 'int' },
    { name: 'uri', type: 'string' },
  ],
];

/**
 * ds_add (our own): partition, set, uri; by name weight, priority, attrs, description, socket, state, probe_mode,
 * persist.
 */
export function dsAddCommand(deps: MiDependencies): MiCommand {
  return {
    name: 'ds_add',
    aliases: ['dispatcher:add'],
    module: 'dispatcher',
    help: 'adds a destination: partition, set, uri, and by name weight, priority, attrs, description, socket, state, persist=1',
    needs: { role: 'admin' },
    changes: true,
    paramLists: ONE_DESTINATION,
    extraParams: [
      { name: 'weight', type: 'int' },
      { name: 'priority', type: 'int' },
      { name: 'attrs', type: 'string' },
      { name: 'description', type: 'string' },
      { name: 'socket', type: 'string' },
      { name: 'state', type: 'string' },
      { name: 'probe_mode', type: 'int' },
      { name: 'persist', type: 'flag' },
    ],
    async run(params, call) {
      const partition = requirePartition(deps, call, textOf(params, 'partition'), 404);
      const uri = textOf(params, 'uri');
      const parsed = parseUri(uri);
      if (parsed === undefined || parsed.scheme === 'tel') throw new MiError(400, 'Bad parameter value', 'uri');
      const weight = numberOf(params, 'weight', 1);
      if (weight < 0 || weight > 1_000_000) throw new MiError(400, 'Bad parameter value', 'weight');
      const row: DestinationRow = {
        setId: parseSetId(params['set']),
        uri,
        socket: textOf(params, 'socket'),
        state: params['state'] === undefined ? 'active' : parseState(textOf(params, 'state')),
        probeMode: numberOf(params, 'probe_mode', 0),
        weight,
        priority: numberOf(params, 'priority', 0),
        attrs: textOf(params, 'attrs'),
        description: textOf(params, 'description'),
      };
      if (partition.find(row.setId, uri)?.row.socket === row.socket)
        throw new MiError(409, 'destination already exists');
      const persist = isYes(params['persist']);
      await reported(deps.dispatcher.add(partition, row, { persist }));
      const where = persist ? 'in memory and in the table' : 'in memory only';
      call.changed(`${maskUri(uri)} added to set ${row.setId}, ${where}`);
      return doneHere(deps, persist);
    },
  };
}

/** ds_remove (our own): partition, set, uri; by name persist. */
export function dsRemoveCommand(deps: MiDependencies): MiCommand {
  return {
    name: 'ds_remove',
    aliases: ['dispatcher:remove'],
    module: 'dispatcher',
    help: 'removes a destination: partition, set, uri; persist=1 removes its row too',
    needs: { role: 'admin' },
    changes: true,
    paramLists: ONE_DESTINATION,
    extraParams: [{ name: 'persist', type: 'flag' }],
    async run(params, call) {
      const partition = requirePartition(deps, call, textOf(params, 'partition'), 404);
      const setId = parseSetId(params['set']);
      const persist = isYes(params['persist']);
      const [named] = destinationsAt(partition, setId, textOf(params, 'uri'));
      const uri = named?.row.uri ?? textOf(params, 'uri');
      const removed = await reported(deps.dispatcher.remove(partition, setId, uri, { persist }));
      if (!removed) throw new MiError(404, 'destination not found');
      const where = persist ? 'from memory and from the table' : 'from memory only';
      call.changed(`${maskUri(uri)} removed from set ${setId}, ${where}`);
      return doneHere(deps, persist);
    },
  };
}

/** Other nodes of a cluster do not know what is not in the table. */
function doneHere(deps: MiDependencies, persist: boolean): string {
  return persist || deps.cluster === undefined ? 'OK' : 'OK, at this node only';
}

/**
 * ds_push_script_attrs: attrs, ip, port (0: any), set (-1: any) and partition. The documentation names the set setid;
 * clients use both.
 */
export function dsPushScriptAttrsCommand(deps: MiDependencies): MiCommand {
  const attrs = { name: 'attrs', type: 'string' } as const;
  const ip = { name: 'ip', type: 'string' } as const;
  const port = { name: 'port', type: 'int' } as const;
  const set = { name: 'set', type: 'int' } as const;
  const partition = { name: 'partition', type: 'string' } as const;
  return {
    name: 'ds_push_script_attrs',
    aliases: ['dispatcher:push_script_attrs'],
    module: 'dispatcher',
    help: 'sets the script attributes of the destinations with this address: attrs, ip, port, set, partition',
    helpNotExported: true,
    needs: { role: 'operator' },
    changes: true,
    paramLists: [
      [attrs, ip, port],
      [attrs, ip, port, set],
      [attrs, ip, port, set, partition],
    ],
    // By name only, since four positional parameters are those with the set.
    extraParams: [{ name: 'setid', type: 'int' }, partition],
    run(params, call) {
      const found = requirePartition(deps, call, textOf(params, 'partition'), 404);
      const portNumber = numberOf(params, 'port', 0);
      if (portNumber < 0 || portNumber > 65535) throw new MiError(400, 'Bad parameter value', 'port');
      const wanted = params['set'] ?? params['setid'];
      const setId = wanted === undefined || wanted === -1 ? undefined : parseSetId(wanted);
      const ipText = textOf(params, 'ip').replace(/^\[(.*)\]$/, '$1');
      const count = deps.dispatcher.pushScriptAttrs(found, textOf(params, 'attrs'), ipText, portNumber, setId);
      if (count === 0) throw new MiError(404, 'destination not found');
      call.changed(`script attributes of ${count} destinations at ${ipText}`);
      return 'OK';
    },
  };
}

/**
 * ds_ping_active (our own; in Kamailio dispatcher.ping_active): whether probing is on, for all or for one `partition`;
 * with state 0 or 1 switches it.
 */
export function dsPingActiveCommand(deps: MiDependencies): MiCommand {
  return {
    name: 'ds_ping_active',
    aliases: ['dispatcher:ping_active'],
    module: 'dispatcher',
    help: 'shows whether probes are sent; state=0 stops them, state=1 starts them again; partition=NAME for one partition',
    needs: ({ state, partition }) =>
      state === undefined ? { role: 'viewer' } : { role: 'operator', wholeProcess: partition === undefined },
    changes: ({ state }) => state !== undefined,
    paramLists: [[], [{ name: 'state', type: 'flag' }]],
    extraParams: [{ name: 'partition', type: 'string' }],
    run(params, call) {
      const named = params['partition'] as string | undefined;
      const partition = named === undefined ? undefined : requirePartition(deps, call, named, 404).name;
      const before = deps.dispatcher.probingActive(partition);
      if (params['state'] === undefined) return { PingState: before ? 1 : 0 };
      const state = String(params['state']);
      if (state !== '0' && state !== '1') throw new MiError(400, 'Bad parameter value', 'state');
      deps.dispatcher.setProbingActive(state === '1', partition);
      const where = partition === undefined ? '' : ` to partition ${partition}`;
      call.changed(`${state === '1' ? 'probes' : 'no probes'} are sent${where}`);
      return { OldPingState: before ? 1 : 0, NewPingState: Number(state) };
    },
  };
}
