import { CommandFault, type MiValue, type ScriptCommand } from '../../script/commands.js';
import type { ScriptEnvironment } from '../../script/environment.js';
import { type Balanced, balancerState } from './balancer.js';

const module = 'load_balancer';

function named(env: ScriptEnvironment, id: string): Balanced {
  const found = env.modules.of(balancerState).find(env, Number(id));
  if (found === undefined) throw new CommandFault(404, 'Destination ID not found');
  return found;
}

function shown(env: ScriptEnvironment, destination: Balanced): MiValue {
  const balancer = env.modules.of(balancerState);
  const { row, off } = destination;
  return {
    uri: row.uri,
    id: row.id,
    group: row.group,
    enabled: destination.usable ? 'yes' : 'no',
    'auto-reenable': off || row.probeMode === 0 ? 'off' : 'on',
    Resources: [...row.resources.keys()].map((name) => ({
      name,
      max: balancer.limit(destination, name) ?? 0,
      load: balancer.load(env, destination, name),
    })),
    attrs: row.attributes,
  };
}

/** The management commands of load_balancer. */
export const loadBalancerCommands: readonly ScriptCommand[] = [
  {
    module,
    mi: 'lb_reload',
    help: 'reads the load_balancer table again; calls stay counted',
    changes: true,
    parameters: [],
    required: 0,
    async run(env) {
      if (!(await env.reloadTables())) throw new CommandFault(500, 'Failed to reload: the table cannot be read');
      return 'OK';
    },
  },
  {
    module,
    mi: 'lb_list',
    help: 'lists the destinations with their resources and calls',
    changes: false,
    parameters: [],
    required: 0,
    run: (env) => ({ Destinations: [...env.modules.of(balancerState).all(env)].map((each) => shown(env, each)) }),
  },
  {
    module,
    mi: 'lb_status',
    help: 'shows or sets (0, 1) whether a destination is used',
    changes: true,
    parameters: ['destination_id', 'new_status'],
    required: 1,
    run(env, { destination_id: id = '', new_status: status }) {
      const destination = named(env, id);
      if (status === undefined) return { enable: destination.usable ? 'yes' : 'no' };
      if (!/^[01]$/.test(status)) throw new CommandFault(400, 'the status must be 0 or 1');
      env.modules.of(balancerState).setUsed(env, destination, status === '1');
      return 'OK';
    },
  },
  {
    module,
    mi: 'lb_resize',
    help: 'sets how many calls a destination accepts of a resource, until the next reload',
    changes: true,
    parameters: ['destination_id', 'res_name', 'new_capacity'],
    required: 3,
    run(env, { destination_id: id = '', res_name: name = '', new_capacity: capacity = '' }) {
      if (!/^\d{1,9}$/.test(capacity)) throw new CommandFault(400, 'the capacity is not a number');
      if (!env.modules.of(balancerState).resize(named(env, id), name, Number(capacity)))
        throw new CommandFault(404, 'Destination has no such resource');
      return 'OK';
    },
  },
];
