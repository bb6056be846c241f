import { CommandFault, type CommandValue, type ScriptCommand } from '../../script/commands.js';
import type { ScriptEnvironment } from '../../script/environment.js';
import { type Carrier, type Gateway, type Routing, routingState } from './gateways.js';

const module = 'drouting';

function routing(env: ScriptEnvironment): Routing {
  return env.modules.of(routingState).sync(env);
}

function shownGateway(gateway: Gateway): CommandValue {
  return {
    ID: gateway.row.id,
    IP: gateway.addresses[0] ?? gateway.uri,
    Enabled: gateway.usable ? 'yes' : 'no',
    State: gateway.status,
  };
}

function shownCarrier({ row, off }: Carrier): CommandValue {
  return { ID: row.id, Enabled: off ? 'no' : 'yes' };
}

/** "0" or "1" of a command. */
function onOff(status: string): boolean {
  if (!/^[01]$/.test(status)) throw new CommandFault(400, 'the status is 0 or 1');
  return status === '1';
}

/** The management commands of drouting. */
export const droutingCommands: readonly ScriptCommand[] = [
  {
    module,
    mi: 'dr_reload',
    help: 'reads the tables of drouting again; states of gateways stay',
    changes: true,
    parameters: [],
    required: 0,
    async run(env) {
      if (!(await env.reloadTables())) throw new CommandFault(500, 'Failed to reload: a table cannot be read');
      return 'OK';
    },
  },
  {
    module,
    mi: 'dr_gw_status',
    help: 'lists the gateways, shows one, or sets (0, 1) whether it is used',
    changes: true,
    parameters: ['gw_id', 'status'],
    required: 0,
    run(env, { gw_id: id, status }) {
      if (id === undefined) return { Gateways: [...routing(env).gateways].map(shownGateway) };
      const gateway = routing(env).gateway(id);
      if (gateway === undefined) throw new CommandFault(404, 'GW ID not found');
      if (status === undefined) return { State: gateway.status };
      routing(env).setUsed(env, gateway, onOff(status));
      return 'OK';
    },
  },
  {
    module,
    mi: 'dr_carrier_status',
    help: 'lists the carriers, shows one, or sets (0, 1) whether it is used',
    changes: true,
    parameters: ['carrier_id', 'status'],
    required: 0,
    run(env, { carrier_id: id, status }) {
      if (id === undefined) return { Carriers: [...routing(env).carriers].map(shownCarrier) };
      const carrier = routing(env).carrier(id);
      if (carrier === undefined) throw new CommandFault(404, 'Carrier ID not found');
      if (status === undefined) return { Enabled: carrier.off ? 'no' : 'yes' };
      carrier.off = !onOff(status);
      return 'OK';
    },
  },
  {
    module,
    mi: 'dr_number_routing',
    help: 'the rule that fits a number in a group, and its gateways',
    changes: false,
    parameters: ['number', 'group_id'],
    required: 1,
    run(env, { number = '', group_id: group = '0' }) {
      const [rule] = routing(env).rules.matching(Number(group), number, env.clock.now(), false);
      if (rule === undefined) throw new CommandFault(404, 'No match');
      return {
        'Matched Prefix': rule.prefix,
        'Rule ID': rule.id,
        ATTRS: rule.attributes,
        List: rule.list.map(({ id, carrier }) => ({ [carrier ? 'CARRIER' : 'GW']: id })),
      };
    },
  },
];
