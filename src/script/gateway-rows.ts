import type { TimeRecurrence } from '../core/time-recurrence.js';

/** Probing of a destination of load_balancer or drouting: 0 never, 1 while it is disabled, 2 always. */
export type ProbeMode = 0 | 1 | 2;

/** A row of the load_balancer table. */
export interface BalancerRow {
  readonly id: number;
  readonly group: number;
  readonly uri: string;
  /** Maximum number of calls for each resource, by the resource's name. */
  readonly resources: ReadonlyMap<string, number>;
  readonly probeMode: ProbeMode;
  readonly attributes: string;
}

/** A row of dr_gateways. */
export interface GatewayRow {
  readonly id: string;
  readonly type: number;
  /** SIP URI; its user is not used. */
  readonly uri: string;
  /** Number of leading characters to remove from the dialled number. */
  readonly strip: number;
  /** Text to put before the remaining number. */
  readonly prefix: string;
  readonly attributes: string;
  readonly probeMode: ProbeMode;
  /** 0 enabled, 1 disabled, 2 disabled until a probe is answered. */
  readonly state: number;
  readonly socket: string;
}

/** A gateway or carrier ("#id") in a list, with its weight. */
export interface ListEntry {
  readonly id: string;
  readonly carrier: boolean;
  readonly weight: number;
  /** Index of the section of the list it is in; ";" separates sections (Kamailio). */
  readonly section: number;
}

/** A row of dr_carriers. */
export interface CarrierRow {
  readonly id: string;
  readonly list: readonly ListEntry[];
  readonly byWeight: boolean;
  readonly firstOnly: boolean;
  readonly off: boolean;
  readonly attributes: string;
}

/** A row of dr_rules. */
export interface RuleRow {
  readonly id: number;
  readonly groups: readonly number[];
  readonly prefix: string;
  /** When the rule applies; undefined: always. */
  readonly time: TimeRecurrence | undefined;
  /** The rule with the highest priority is tried first. */
  readonly priority: number;
  /** Route to run when the rule is used; '' for none. */
  readonly route: string;
  readonly list: readonly ListEntry[];
  readonly byWeight: boolean;
  readonly attributes: string;
}

/** A row of dr_groups. */
export interface GroupRow {
  readonly user: string;
  readonly domain: string;
  readonly group: number;
}

/** The tables of drouting. */
export interface RoutingRows {
  readonly gateways: readonly GatewayRow[];
  readonly carriers: readonly CarrierRow[];
  readonly rules: readonly RuleRow[];
  readonly groups: readonly GroupRow[];
}

/** A partition of drouting: its tables, and the variables that its row names. */
export interface RoutingPartition {
  readonly rows: RoutingRows;
  /** Texts of variables, by the name of the parameter that they override. */
  readonly variables: ReadonlyMap<string, string>;
}

/** Routing tables of a cfg file that has none. */
export const NO_ROUTING: RoutingRows = { gateways: [], carriers: [], rules: [], groups: [] };
