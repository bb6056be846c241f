import type { Format } from '../../pvar/format.js';
import type { MessageRun } from '../../script/call.js';
import type { ModuleParameters, ModuleStates, ScriptEnvironment } from '../../script/environment.js';
import { NO_ROUTING, type RoutingPartition } from '../../script/gateway-rows.js';
import { probingSettings } from '../gateway-probing.js';
import { DroutingTables, type RoutingSettings, type SocketMode } from './gateways.js';

/** `own`: texts used instead of the parameters of the same names. */
function targetsOf(
  parameters: ModuleParameters,
  states: ModuleStates,
  own: ReadonlyMap<string, string>,
): RoutingSettings['targets'] {
  const variable = (name: string): Format | undefined => {
    const text = own.get(name) ?? parameters.text(name, '');
    if (text === '') return undefined;
    const format = states.compile(text);
    if (!format.writable) throw new Error(`${name}: ${text} is read-only`);
    return format;
  };
  return {
    gatewayId: variable('gw_id_avp') ?? states.compile('$avp(___dr_gw_id__)'),
    gatewayPrefix: variable('gw_priprefix_avp'),
    // The second is Kamailio's name of the parameter.
    gatewayAttributes: variable('gw_attrs_avp') ?? variable('attrs_avp'),
    ruleId: variable('rule_id_avp'),
    rulePrefix: variable('rule_prefix_avp'),
    ruleAttributes: variable('rule_attrs_avp'),
    carrierId: variable('carrier_id_avp'),
    carrierAttributes: variable('carrier_attrs_avp'),
  };
}

function socketModeOf(text: string): SocketMode {
  if (text === 'all' || text === 'ignore' || text === 'matched-only') return text;
  throw new Error(`gw_socket_filter_mode: "${text}" is none of all, ignore, matched-only`);
}

function settingsOf(
  parameters: ModuleParameters,
  states: ModuleStates,
  own: ReadonlyMap<string, string> = new Map(),
): RoutingSettings {
  return {
    targets: targetsOf(parameters, states, own),
    defaultGroup: parameters.has('default_group') ? parameters.int('default_group', 0) : undefined,
    useDomain: parameters.flag('use_domain', true),
    sortOrder: parameters.int('sort_order', 0),
    socketMode: socketModeOf(parameters.text('gw_socket_filter_mode', 'all')),
  };
}

/** The tables of the module, or those of its partitions. */
class DroutingPartitions {
  private own: DroutingTables;
  private readonly named = new Map<string, DroutingTables>();
  /** The partitions of the table when it was last read. */
  private partitions: ReadonlyMap<string, RoutingPartition> = new Map();
  /** Variable that gets the name of the partition when all were searched. */
  private partitionId: Format | undefined = undefined;

  constructor(
    private parameters: ModuleParameters,
    private states: ModuleStates,
  ) {
    this.own = new DroutingTables(parameters, settingsOf(parameters, states));
    this.configure(parameters, states);
  }

  /** Whether tables must be found by the name of a partition. */
  get partitioned(): boolean {
    return this.parameters.flag('use_partitions', false);
  }

  /** Applies other parameters; gateways and their states stay. */
  configure(parameters: ModuleParameters, states: ModuleStates): void {
    this.parameters = parameters;
    this.states = states;
    const text = parameters.text('partition_id_pvar', '');
    this.partitionId = text === '' ? undefined : states.compile(text);
    if (this.partitionId?.writable === false) throw new Error(`partition_id_pvar: ${text} is read-only`);
    this.own.settings = settingsOf(parameters, states);
    for (const each of [this.own, ...this.named.values()]) each.probing.configure(probingSettings(parameters));
  }

  /** The tables of a partition, or of the module where there are no partitions; undefined for an unknown name. */
  of(env: ScriptEnvironment, name: string): DroutingTables | undefined {
    if (!this.partitioned) return this.own.sync(env);
    const partition = this.current(env).get(name);
    if (partition === undefined) return undefined;
    let tables = this.named.get(name);
    if (tables === undefined) {
      tables = new DroutingTables(this.parameters, this.settingsOf(partition.variables), name);
      this.named.set(name, tables);
    } else if (tables.isOlderThan(partition.rows)) tables.settings = this.settingsOf(partition.variables);
    return tables.sync(env, partition.rows);
  }

  /** All partitions by name; '' without partitions. */
  all(env: ScriptEnvironment): readonly (readonly [name: string, tables: DroutingTables])[] {
    const names = this.partitioned ? [...this.current(env).keys()] : [''];
    return names.flatMap((name) => {
      const tables = this.of(env, name);
      return tables === undefined ? [] : [[name, tables] as const];
    });
  }

  /** Searches the partitions that a name stands for, "*" for all; returns the first result of `find`. */
  first<T>(run: MessageRun, name: string, find: (tables: DroutingTables) => T | undefined): T | undefined {
    if (name !== '*' || !this.partitioned) {
      const tables = this.of(run.env, name);
      return tables === undefined ? undefined : find(tables);
    }
    for (const [each, tables] of this.all(run.env)) {
      const found = find(tables);
      if (found === undefined) continue;
      this.partitionId?.replace(run.pvars, each);
      return found;
    }
    return undefined;
  }

  /** The partitions of the table. Gateways of removed partitions are no longer probed. */
  private current(env: ScriptEnvironment): ReadonlyMap<string, RoutingPartition> {
    const { routingPartitions } = env.tables;
    if (routingPartitions !== this.partitions) {
      this.partitions = routingPartitions;
      for (const [name, tables] of this.named) if (!routingPartitions.has(name)) tables.sync(env, NO_ROUTING);
    }
    return routingPartitions;
  }

  /** For a variable that a row of the table names wrongly, the parameter applies. */
  private settingsOf(variables: ReadonlyMap<string, string>): RoutingSettings {
    const sound = [...variables].filter(([, text]) => {
      try {
        return this.states.compile(text).writable;
      } catch {
        return false;
      }
    });
    return settingsOf(this.parameters, this.states, new Map(sound));
  }
}

/** Gateways and their states are kept when the file is reloaded. */
export const routingState = {
  module: 'drouting',
  create: (parameters: ModuleParameters, states: ModuleStates): DroutingPartitions =>
    new DroutingPartitions(parameters, states),
  renew(before: DroutingPartitions, parameters: ModuleParameters, states: ModuleStates): DroutingPartitions {
    before.configure(parameters, states);
    return before;
  },
};

/** Gateways, carriers and rules of a partition as the tables have them now; undefined for an unknown partition. */
export function routingOf(run: Pick<MessageRun, 'env'>, partition: string): DroutingTables | undefined {
  return run.env.modules.of(routingState).of(run.env, partition);
}

/** The tables of the module itself, for Kamailio, which has no partitions. */
export function ownRouting(run: Pick<MessageRun, 'env'>): DroutingTables {
  const tables = routingOf(run, '');
  if (tables === undefined) throw new Error('drouting has no tables');
  return tables;
}
