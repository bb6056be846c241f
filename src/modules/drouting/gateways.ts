import { bareHost, parseUri } from '../../core/uri.js';
import type { Format } from '../../pvar/format.js';
import type { MessageRun } from '../../script/call.js';
import type { ModuleParameters, ModuleStates, ScriptEnvironment } from '../../script/environment.js';
import { type CarrierRow, type GatewayRow, NO_ROUTING, type RoutingRows } from '../../script/gateway-rows.js';
import { runService } from '../../script/service-routes.js';
import { GatewayProbing, type ProbedGateway, probingSettings } from '../gateway-probing.js';
import { RuleTable } from './rules.js';

/** A gateway with its state. */
export class Gateway implements ProbedGateway {
  off: boolean;
  disabled: boolean;
  /** Its addresses: the one in its URI, or those its name resolves to. */
  addresses: readonly string[] = [];
  port = 5060;

  constructor(
    public row: GatewayRow,
    env: ScriptEnvironment,
    /** Called when its name has been resolved. */
    resolved: () => void,
  ) {
    this.off = row.state === 1;
    this.disabled = row.state === 2;
    const uri = parseUri(row.uri);
    if (uri === undefined) return;
    const literal = env.resolver.literal(uri);
    if (literal !== undefined) {
      this.addresses = [literal.address];
      this.port = literal.port;
      return;
    }
    env.resolver.resolve(uri, (result) => {
      if (result instanceof Error) return;
      this.addresses = result.map(({ address }) => address);
      this.port = result[0]?.port ?? this.port;
      resolved();
    });
  }

  /** Its URI. */
  get uri(): string {
    return this.row.uri;
  }

  /** The socket for calls and probes; '' for any. */
  get socket(): string {
    return this.row.socket;
  }

  /** When the gateway is probed. */
  get probeMode(): GatewayRow['probeMode'] {
    return this.row.probeMode;
  }

  /** Whether calls may be sent to it: it is neither switched off nor disabled after a failed probe. */
  get usable(): boolean {
    return !this.off && !this.disabled;
  }

  /** Its status as text, for commands and the event. */
  get status(): string {
    if (this.off) return 'Disabled MI';
    if (!this.disabled) return 'Active';
    return this.probeMode === 0 ? 'Inactive' : 'Probing';
  }
}

/** A carrier; `off`: its gateways are not used through it. */
export interface Carrier {
  row: CarrierRow;
  off: boolean;
}

/** Variables the module writes to. */
interface Targets {
  readonly gatewayId: Format;
  readonly gatewayPrefix: Format | undefined;
  readonly gatewayAttributes: Format | undefined;
  readonly ruleId: Format | undefined;
  readonly rulePrefix: Format | undefined;
  readonly ruleAttributes: Format | undefined;
  readonly carrierId: Format | undefined;
  readonly carrierAttributes: Format | undefined;
}

/** Parameters of the module that apply to each call. */
interface RoutingSettings {
  readonly targets: Targets;
  /** Group of callers that have no row in dr_groups; undefined: none. */
  readonly defaultGroup: number | undefined;
  /** Whether the caller's domain is compared in dr_groups. */
  readonly useDomain: boolean;
  /** Kamailio's order of the gateways of a rule: 0 as listed, 1 and 2 at random. */
  readonly sortOrder: number;
}

/** Gateways, carriers and rules of a cfg file. */
export class DroutingTables {
  private rows: RoutingRows | undefined = undefined;
  private gatewaysById = new Map<string, Gateway>();
  /** Gateways by address; undefined until the first access, and after a name has been resolved. */
  private byAddress: Map<string, Gateway[]> | undefined = undefined;
  private carriersById = new Map<string, Carrier>();
  /** When the tables were taken over last, in milliseconds since the epoch. */
  loadedAt = 0;
  rules = new RuleTable([]);
  readonly probing: GatewayProbing<Gateway>;

  constructor(
    parameters: ModuleParameters,
    public settings: RoutingSettings,
    /** The name of its partition in events. */
    private readonly name = 'Default',
  ) {
    this.probing = new GatewayProbing(
      probingSettings(parameters),
      () => this.gatewaysById.values(),
      (env, gateway, answers) => {
        if (answers === !gateway.disabled) return;
        gateway.disabled = !answers;
        this.statusEvent(env, gateway);
      },
    );
  }

  /** Takes over the current tables; states of gateways are kept. */
  sync(env: ScriptEnvironment, routing: RoutingRows = env.tables.routing): this {
    if (this.rows === routing) return this;
    const [gateways, carriers] = [this.gatewaysById, this.carriersById];
    this.rows = routing;
    this.loadedAt = env.clock.now();
    this.gatewaysById = new Map(
      routing.gateways.map((row) => {
        const old = gateways.get(row.id);
        if (old === undefined || old.uri !== row.uri)
          return [row.id, new Gateway(row, env, () => (this.byAddress = undefined))];
        old.row = row;
        return [row.id, old];
      }),
    );
    this.carriersById = new Map(
      routing.carriers.map((row) => [row.id, { row, off: row.off || carriers.get(row.id)?.off === true }]),
    );
    this.rules = new RuleTable(routing.rules);
    this.byAddress = undefined;
    this.probing.wake(env);
    return this;
  }

  /** Whether rows are others than those it was made of. */
  isOlderThan(rows: RoutingRows): boolean {
    return this.rows !== rows;
  }

  /** All gateways in the order of the table. */
  get gateways(): Iterable<Gateway> {
    return this.gatewaysById.values();
  }

  /** All carriers in the order of the table. */
  get carriers(): Iterable<Carrier> {
    return this.carriersById.values();
  }

  /** A gateway by its id. */
  gateway(id: string): Gateway | undefined {
    return this.gatewaysById.get(id);
  }

  /** A carrier by its id. */
  carrier(id: string): Carrier | undefined {
    return this.carriersById.get(id);
  }

  /** The first gateway with an address. Type 0 or -1 and port 0 match any. */
  at(host: string, port: number, type: number): Gateway | undefined {
    const address = bareHost(host);
    for (const each of this.withAddress(address)) {
      if (type > 0 && each.row.type !== type) continue;
      if (port === 0 || each.port === port) return each;
    }
    return undefined;
  }

  /** Whether a gateway of one of these types has an address; type 0 is a type here. */
  hasType(host: string, types: ReadonlySet<number>): boolean {
    return this.withAddress(bareHost(host)).some(({ row }) => types.has(row.type));
  }

  private withAddress(address: string): readonly Gateway[] {
    if (this.byAddress === undefined) {
      this.byAddress = new Map();
      for (const gateway of this.gatewaysById.values()) {
        for (const each of gateway.addresses) {
          const same = this.byAddress.get(each);
          if (same === undefined) this.byAddress.set(each, [gateway]);
          else same.push(gateway);
        }
      }
    }
    return this.byAddress.get(address) ?? [];
  }

  /** The first carrier that contains the gateway. */
  carrierWith(gateway: Gateway): Carrier | undefined {
    for (const each of this.carriersById.values())
      if (each.row.list.some(({ id, carrier }) => !carrier && id === gateway.row.id)) return each;
    return undefined;
  }

  /** dr_disable(): stops using a gateway until a probe is answered. */
  disable(env: ScriptEnvironment, gateway: Gateway): void {
    if (gateway.disabled) return;
    gateway.disabled = true;
    this.statusEvent(env, gateway);
    this.probing.wake(env);
  }

  /** Switches a gateway on or off (dr_gw_status); raises E_DROUTING_STATUS if that changes something. */
  setUsed(env: ScriptEnvironment, gateway: Gateway, on: boolean): void {
    const before = gateway.usable;
    gateway.off = !on;
    if (on) gateway.disabled = false;
    if (gateway.usable !== before) this.statusEvent(env, gateway);
    this.probing.wake(env);
  }

  /** The caller's group: from the table of groups, else the default group. */
  groupOf(user: string, domain: string): number | undefined {
    const found = this.rows?.groups.find(
      (each) => each.user === user && (!this.settings.useDomain || each.domain === domain.toLowerCase()),
    );
    return found?.group ?? this.settings.defaultGroup;
  }

  private statusEvent(env: ScriptEnvironment, gateway: Gateway): void {
    const params = new Map<string, string | number>([
      ['partition', this.name],
      ['gwid', gateway.row.id],
      ['address', gateway.uri],
      ['status', gateway.status.toLowerCase()],
    ]);
    runService(env, 'event', 'E_DROUTING_STATUS', params);
  }
}

/** `own`: texts that take the place of those of parameters. */
function targetsOf(parameters: ModuleParameters, states: ModuleStates, own: ReadonlyMap<string, string>): Targets {
  const variable = (name: string): Format | undefined => {
    const text = own.get(name) ?? parameters.text(name, '');
    if (text === '') return undefined;
    const format = states.compile(text);
    if (!format.writable) throw new Error(`${name}: ${text} cannot be written`);
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
  };
}

/** The tables of the module, or those of its partitions. */
export class DroutingPartitions {
  private own: DroutingTables;
  private readonly named = new Map<string, DroutingTables>();
  /** Writes the name of the partition where all were asked. */
  private partitionId: Format | undefined = undefined;

  constructor(
    private parameters: ModuleParameters,
    private states: ModuleStates,
  ) {
    this.own = new DroutingTables(parameters, settingsOf(parameters, states));
    this.configure(parameters, states);
  }

  /** Whether tables are found by the name of their partition alone. */
  get partitioned(): boolean {
    return this.parameters.flag('use_partitions', false);
  }

  /** Takes other parameters; gateways and their states stay. */
  configure(parameters: ModuleParameters, states: ModuleStates): void {
    this.parameters = parameters;
    this.states = states;
    const text = parameters.text('partition_id_pvar', '');
    this.partitionId = text === '' ? undefined : states.compile(text);
    if (this.partitionId?.writable === false) throw new Error(`partition_id_pvar: ${text} cannot be written`);
    this.own.settings = settingsOf(parameters, states);
    for (const each of [this.own, ...this.named.values()]) each.probing.configure(probingSettings(parameters));
  }

  /** The tables of a partition, or of the module where there are none; undefined for a name that no partition has. */
  of(env: ScriptEnvironment, name: string): DroutingTables | undefined {
    if (!this.partitioned) return this.own.sync(env);
    const partition = env.tables.routingPartitions.get(name);
    if (partition === undefined) {
      this.named.get(name)?.sync(env, NO_ROUTING);
      return undefined;
    }
    let tables = this.named.get(name);
    if (tables === undefined) {
      tables = new DroutingTables(this.parameters, this.settingsOf(partition.variables), name);
      this.named.set(name, tables);
    } else if (tables.isOlderThan(partition.rows)) tables.settings = this.settingsOf(partition.variables);
    return tables.sync(env, partition.rows);
  }

  /** All partitions by name; '' without partitions. */
  all(env: ScriptEnvironment): readonly (readonly [name: string, tables: DroutingTables])[] {
    const names = this.partitioned ? [...env.tables.routingPartitions.keys()] : [''];
    return names.flatMap((name) => {
      const tables = this.of(env, name);
      return tables === undefined ? [] : [[name, tables] as const];
    });
  }

  /** The partitions that a name stands for, "*" for all; the first one in which `find` finds something. */
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

  /** A variable that a row of the table names wrongly is left to the parameters. */
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

/** Gateways, carriers and rules of a partition as the tables have them now; undefined where there is no such partition. */
export function routingOf(run: Pick<MessageRun, 'env'>, partition: string): DroutingTables | undefined {
  return run.env.modules.of(routingState).of(run.env, partition);
}

/** The tables of the module itself; for Kamailio, which knows no partitions. */
export function ownRouting(run: Pick<MessageRun, 'env'>): DroutingTables {
  const tables = routingOf(run, '');
  if (tables === undefined) throw new Error('drouting has no tables');
  return tables;
}

/** The gateway at the host of a URI; a name is compared with the names in gateways' URIs. */
export function gatewayAt(tables: DroutingTables, text: string, type: number, anyPort: boolean): Gateway | undefined {
  const uri = parseUri(text);
  if (uri === undefined) return undefined;
  return tables.at(uri.host, anyPort ? 0 : (uri.port ?? (uri.scheme === 'sips' ? 5061 : 5060)), type);
}
