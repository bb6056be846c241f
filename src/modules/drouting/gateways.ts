import { bareHost, parseUri } from '../../core/uri.js';
import type { Format } from '../../pvar/format.js';
import type { ModuleParameters, ScriptEnvironment } from '../../script/environment.js';
import type { CarrierRow, GatewayRow, RoutingRows } from '../../script/gateway-rows.js';
import { raiseEvent } from '../../script/raised-events.js';
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

  /** The URI of the gateway. */
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

/** In place of a type: gateways of all types. */
export const ANY_TYPE = -1;

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
export interface RoutingSettings {
  readonly targets: Targets;
  /** Group of callers that have no row in dr_groups; undefined: none. */
  readonly defaultGroup: number | undefined;
  /** Whether the caller's domain is compared in dr_groups. */
  readonly useDomain: boolean;
  /** Kamailio's order of the gateways of a rule: 0 as listed, 1 and 2 at random. */
  readonly sortOrder: number;
  /**
   * OpenSIPS' gw_socket_filter_mode: "all" uses every gateway, "ignore" every one without its socket, "matched-only"
   * those whose socket this proxy has.
   */
  readonly socketMode: SocketMode;
}

/** See `RoutingSettings.socketMode`. */
export type SocketMode = 'all' | 'ignore' | 'matched-only';

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
      this.usable(routing.gateways, env).map((row) => {
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

  private usable(rows: readonly GatewayRow[], env: ScriptEnvironment): readonly GatewayRow[] {
    switch (this.settings.socketMode) {
      case 'all':
        return rows;
      case 'ignore':
        return rows.map((row) => (row.socket === '' ? row : { ...row, socket: '' }));
      case 'matched-only':
        return rows.filter(({ socket }) => socket !== '' && env.socket(socket) !== undefined);
    }
  }

  /** Whether the tables were made from other rows than these. */
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

  /** The first gateway with an address. ANY_TYPE and port 0 match any. */
  at(host: string, port: number, type: number): Gateway | undefined {
    const address = bareHost(host);
    for (const each of this.withAddress(address)) {
      if (type >= 0 && each.row.type !== type) continue;
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
    raiseEvent(env, 'E_DROUTING_STATUS', params);
  }
}

/** The gateway at the host of a URI; a name is compared with the names in gateways' URIs. */
export function gatewayAt(tables: DroutingTables, text: string, type: number, anyPort: boolean): Gateway | undefined {
  const uri = parseUri(text);
  if (uri === undefined) return undefined;
  return tables.at(uri.host, anyPort ? 0 : (uri.port ?? (uri.scheme === 'sips' ? 5061 : 5060)), type);
}
