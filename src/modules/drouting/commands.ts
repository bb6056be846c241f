import { CommandFault, type MiValue, type ScriptCommand } from '../../script/commands.js';
import type { ScriptEnvironment } from '../../script/environment.js';
import { type Carrier, type DroutingTables, type Gateway, routingState } from './gateways.js';

const module = 'drouting';

function routing(env: ScriptEnvironment): DroutingTables {
  return env.modules.of(routingState).sync(env);
}

function shownGateway(gateway: Gateway): MiValue {
  return {
    ID: gateway.row.id,
    IP: gateway.addresses[0] ?? gateway.uri,
    Enabled: gateway.usable ? 'yes' : 'no',
    State: gateway.status,
  };
}

function shownCarrier({ row, off }: Carrier): MiValue {
  return { ID: row.id, Enabled: off ? 'no' : 'yes' };
}

/** Parses "0" or "1" of a command. */
function onOff(status: string): boolean {
  if (!/^[01]$/.test(status)) throw new CommandFault(400, 'the status is 0 or 1');
  return status === '1';
}

/** Commands that list, show or switch things of one kind. */
interface StatusCommand<Thing> {
  readonly mi: string;
  /** Name of the things in the help text. */
  readonly things: string;
  /** Name of the parameter that identifies one. */
  readonly id: string;
  list(env: ScriptEnvironment): MiValue;
  find(env: ScriptEnvironment, id: string): Thing | undefined;
  /** The error when there is none with that id. */
  readonly notFound: string;
  shown(thing: Thing): MiValue;
  use(env: ScriptEnvironment, thing: Thing, used: boolean): void;
}

function statusCommand<Thing>(of: StatusCommand<Thing>): ScriptCommand {
  return {
    module,
    mi: of.mi,
    help: `lists the ${of.things}, shows one, or sets (0, 1) whether it is used`,
    changes: true,
    parameters: [of.id, 'status'],
    required: 0,
    run(env, params) {
      const { [of.id]: id, status } = params;
      if (id === undefined) return of.list(env);
      const thing = of.find(env, id);
      if (thing === undefined) throw new CommandFault(404, of.notFound);
      if (status === undefined) return of.shown(thing);
      of.use(env, thing, onOff(status));
      return 'OK';
    },
  };
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
    mi: 'dr_reload_status',
    help: 'when the tables of drouting were read last',
    changes: false,
    parameters: [],
    required: 0,
    run: (env) => ({ Date: new Date(routing(env).loadedAt).toString().slice(0, 24) }),
  },
  {
    module,
    mi: 'dr_enable_probing',
    help: 'whether gateways are probed, or sets (0, 1) whether they are',
    changes: true,
    parameters: ['status'],
    required: 0,
    run(env, { status }) {
      const { probing } = routing(env);
      if (status === undefined) return { Status: probing.paused ? 0 : 1 };
      probing.pause(env, !onOff(status));
      return 'OK';
    },
  },
  statusCommand({
    mi: 'dr_gw_status',
    things: 'gateways',
    id: 'gw_id',
    list: (env) => ({ Gateways: [...routing(env).gateways].map(shownGateway) }),
    find: (env, id) => routing(env).gateway(id),
    notFound: 'GW ID not found',
    shown: ({ status }) => ({ State: status }),
    use: (env, gateway, used) => routing(env).setUsed(env, gateway, used),
  }),
  statusCommand({
    mi: 'dr_carrier_status',
    things: 'carriers',
    id: 'carrier_id',
    list: (env) => ({ Carriers: [...routing(env).carriers].map(shownCarrier) }),
    find: (env, id) => routing(env).carrier(id),
    notFound: 'Carrier ID not found',
    shown: ({ off }) => ({ Enabled: off ? 'no' : 'yes' }),
    use: (_env, carrier, used) => {
      carrier.off = !used;
    },
  }),
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
