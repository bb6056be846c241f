import { CommandFault, type MiValue, type ScriptCommand } from '../../script/commands.js';
import type { ScriptEnvironment } from '../../script/environment.js';
import type { Carrier, DroutingTables, Gateway } from './gateways.js';
import { routingState } from './partitions.js';

const module = 'drouting';

/** The parameter that names a partition. */
const PARTITION = 'partition_name';

/** The tables for a command. Throws CommandFault when a partition name is missing or unknown. */
function routing(env: ScriptEnvironment, name: string | undefined): DroutingTables {
  const found = env.modules.of(routingState);
  if (found.partitioned && name === undefined) throw new CommandFault(400, 'the partition is missing: partition_name');
  const tables = found.of(env, name ?? '');
  if (tables === undefined) throw new CommandFault(404, 'Partition not found');
  return tables;
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
  if (!/^[01]$/.test(status)) throw new CommandFault(400, 'the status must be 0 or 1');
  return status === '1';
}

/** Commands that list, show or switch things of one kind. */
interface StatusCommand<Thing> {
  readonly mi: string;
  /** Name of the things in the help text. */
  readonly things: string;
  /** Name of the parameter that identifies one. */
  readonly id: string;
  list(tables: DroutingTables): MiValue;
  find(tables: DroutingTables, id: string): Thing | undefined;
  /** The error for an unknown id. */
  readonly notFound: string;
  shown(thing: Thing): MiValue;
  use(env: ScriptEnvironment, tables: DroutingTables, thing: Thing, used: boolean): void;
}

function statusCommand<Thing>(of: StatusCommand<Thing>): ScriptCommand {
  return {
    module,
    mi: of.mi,
    help: `lists the ${of.things}, shows one, or sets whether it is used (0, 1)`,
    changes: true,
    parameters: [of.id, 'status'],
    named: [PARTITION],
    required: 0,
    run(env, params) {
      const { [of.id]: id, status, [PARTITION]: partition } = params;
      const tables = routing(env, partition);
      if (id === undefined) return of.list(tables);
      const thing = of.find(tables, id);
      if (thing === undefined) throw new CommandFault(404, of.notFound);
      if (status === undefined) return of.shown(thing);
      of.use(env, tables, thing, onOff(status));
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
    named: [PARTITION],
    required: 0,
    async run(env, { [PARTITION]: partition }) {
      const one = partition !== undefined && env.modules.of(routingState).partitioned;
      if (partition !== undefined) routing(env, partition);
      if (!(await env.reloadTables(one ? partition : undefined)))
        throw new CommandFault(500, 'Failed to reload: a table cannot be read');
      return 'OK';
    },
  },
  {
    module,
    mi: 'dr_reload_status',
    help: 'shows when the tables of drouting were last read',
    changes: false,
    parameters: [],
    named: [PARTITION],
    required: 0,
    run(env, { [PARTITION]: partition }) {
      const found = env.modules.of(routingState);
      const date = ({ loadedAt }: DroutingTables): string => new Date(loadedAt).toString().slice(0, 24);
      if (!found.partitioned || partition !== undefined) return { Date: date(routing(env, partition)) };
      return { Partitions: found.all(env).map(([name, tables]) => ({ name, date: date(tables) })) };
    },
  },
  {
    module,
    mi: 'dr_enable_probing',
    help: 'shows whether gateways are probed, or sets it (0, 1)',
    changes: true,
    parameters: ['status'],
    required: 0,
    run(env, { status }) {
      const all = env.modules.of(routingState).all(env);
      if (status === undefined) return { Status: all.some(([, { probing }]) => probing.paused) ? 0 : 1 };
      const paused = !onOff(status);
      for (const [, { probing }] of all) probing.pause(env, paused);
      return 'OK';
    },
  },
  statusCommand({
    mi: 'dr_gw_status',
    things: 'gateways',
    id: 'gw_id',
    list: (tables) => ({ Gateways: [...tables.gateways].map(shownGateway) }),
    find: (tables, id) => tables.gateway(id),
    notFound: 'GW ID not found',
    shown: ({ status }) => ({ State: status }),
    use: (env, tables, gateway, used) => tables.setUsed(env, gateway, used),
  }),
  statusCommand({
    mi: 'dr_carrier_status',
    things: 'carriers',
    id: 'carrier_id',
    list: (tables) => ({ Carriers: [...tables.carriers].map(shownCarrier) }),
    find: (tables, id) => tables.carrier(id),
    notFound: 'Carrier ID not found',
    shown: ({ off }) => ({ Enabled: off ? 'no' : 'yes' }),
    use: (_env, _tables, carrier, used) => {
      carrier.off = !used;
    },
  }),
  {
    module,
    mi: 'dr_number_routing',
    help: 'shows the rule that matches a number in a group, and its gateways',
    changes: false,
    parameters: ['number', 'group_id'],
    named: [PARTITION],
    required: 1,
    run(env, { number = '', group_id: group = '0', [PARTITION]: partition }) {
      const [rule] = routing(env, partition).rules.matching(Number(group), number, env.clock.now(), false);
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
