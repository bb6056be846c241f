import type { MiCommand, MiParams, MiValue } from '../command.js';
import { MiError } from '../command.js';
import type { ClusterControl, MiDependencies } from '../dependencies.js';
import { parseGroup, requirePartition } from './partition-lookup.js';

/** Allowed names of sharing tags. */
const TAG = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * The commands cluster_list, cluster_owner, cluster_sync, ...; also under the names of OpenSIPS' clusterer module,
 * where it has them.
 */
export function clusterCommands(deps: MiDependencies): readonly MiCommand[] {
  const cluster = (): ClusterControl => {
    const control = deps.cluster?.();
    if (control === undefined) throw new MiError(404, 'this node is in no cluster');
    return control;
  };
  const node = { name: 'node', type: 'string' } as const;
  const tag = { name: 'tag', type: 'string' } as const;
  const id = { name: 'cluster_id', type: 'string' } as const;
  const command = { name: 'cmd_name', type: 'string' } as const;
  const commandParams = { name: 'cmd_params', type: 'any' } as const;
  const commandOf = ({ cmd_name: name }: MiParams): string => {
    // Forwarding a command that forwards to other nodes could loop.
    if (/^cluster(?:er)?_(?:broadcast|send)_mi$/.test(String(name))) throw new MiError(400, 'Bad parameter value');
    return String(name);
  };
  const paramsOf = (value: MiValue | undefined): MiValue | undefined => {
    if (value === undefined || Array.isArray(value)) return value;
    if (value !== null && typeof value === 'object') return value;
    return [value];
  };
  return [
    {
      name: 'cluster_list',
      aliases: ['clusterer_list'],
      module: 'clusterer',
      help: 'lists the nodes of the cluster as this one knows them',
      needs: { role: 'viewer', wholeProcess: true },
      paramLists: [[]],
      run: () => cluster().list(),
    },
    {
      name: 'cluster_owner',
      aliases: ['clusterer:cluster_owner'],
      module: 'clusterer',
      help: 'shows the owner of a destination and its record in the cluster: group "[partition:]set", address',
      needs: { role: 'viewer' },
      paramLists: [
        [
          { name: 'group', type: 'string' },
          { name: 'address', type: 'string' },
        ],
      ],
      run(params, call) {
        const control = cluster();
        const { partition, setId } = parseGroup(params['group'] as string);
        const found = requirePartition(deps, call, partition, 404).findAll(setId, params['address'] as string);
        if (found.length === 0) throw new MiError(404, 'destination not found');
        return found.map((destination) => control.owner(destination));
      },
    },
    {
      name: 'cluster_sync',
      aliases: ['clusterer:cluster_sync'],
      module: 'clusterer',
      help: 'reads the records of all destinations from the cluster again',
      needs: { role: 'operator', wholeProcess: true },
      changes: true,
      paramLists: [[]],
      async run() {
        if (!(await cluster().sync())) throw new MiError(500, 'the bucket could not be read');
        return 'OK';
      },
    },
    {
      name: 'cluster_drain',
      aliases: ['clusterer:cluster_drain'],
      module: 'clusterer',
      help: '1 gives up probing and sharing tags while routing goes on, 0 takes them back; without a value shows which',
      needs: ({ on }) => ({ role: on === undefined ? 'viewer' : 'operator', wholeProcess: true }),
      changes: ({ on }) => on !== undefined,
      paramLists: [[], [{ name: 'on', type: 'int' }]],
      run(params) {
        const control = cluster();
        if (params['on'] === undefined) return { draining: control.draining() };
        if (params['on'] !== 0 && params['on'] !== 1) throw new MiError(400, 'Bad parameter value');
        control.drain(params['on'] === 1);
        return 'OK';
      },
    },
    {
      name: 'cluster_forget',
      aliases: ['clusterer_remove_node'],
      module: 'clusterer',
      help: 'removes a node that is gone from the list',
      needs: { role: 'admin', wholeProcess: true },
      changes: true,
      paramLists: [[node]],
      extraParams: [id],
      async run(params) {
        if (!(await cluster().forget(params['node'] as string))) {
          throw new MiError(404, 'no such node, or it is alive');
        }
        return 'OK';
      },
    },
    {
      name: 'cluster_list_shtags',
      aliases: ['clusterer_list_shtags'],
      module: 'clusterer',
      help: 'lists the sharing tags and the nodes that hold them',
      needs: { role: 'viewer', wholeProcess: true },
      paramLists: [[]],
      run: () => cluster().tags(),
    },
    {
      name: 'cluster_shtag_set_active',
      aliases: ['clusterer_shtag_set_active'],
      module: 'clusterer',
      help: 'makes this node the holder of a sharing tag: "tag" or "tag/cluster_id"',
      needs: { role: 'operator', wholeProcess: true },
      changes: true,
      paramLists: [[tag]],
      async run(params) {
        const [name = ''] = (params['tag'] as string).split('/');
        if (!TAG.test(name)) throw new MiError(400, 'Bad parameter value');
        return (await cluster().takeTag(name)) ? 'OK' : 'OK, not shared yet';
      },
    },
    {
      name: 'cluster_broadcast_mi',
      aliases: ['clusterer_broadcast_mi'],
      module: 'clusterer',
      help: 'runs a command on all nodes; answers by node',
      needs: { role: 'admin', wholeProcess: true },
      changes: true,
      paramLists: [[command], [command, commandParams]],
      extraParams: [id],
      run: (params) => cluster().run(undefined, commandOf(params), paramsOf(params['cmd_params'])),
    },
    {
      name: 'cluster_send_mi',
      aliases: ['clusterer_send_mi'],
      module: 'clusterer',
      help: 'runs a command on one node',
      needs: { role: 'admin', wholeProcess: true },
      changes: true,
      paramLists: [
        [node, command],
        [node, command, commandParams],
      ],
      extraParams: [id],
      run: (params) => cluster().run(params['node'] as string, commandOf(params), paramsOf(params['cmd_params'])),
    },
  ];
}
