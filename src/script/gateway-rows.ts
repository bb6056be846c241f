import type { TimeRecurrence } from '../core/time-recurrence.js';

/** How a destination of load_balancer or drouting is probed: not at all, while it is disabled, or always. */
export type ProbeMode = 0 | 1 | 2;

/** A row of the load_balancer table. */
export interface BalancerRow {
  readonly id: number;
  readonly group: number;
  readonly uri: string;
  /** Calls each resource takes at most, by the resource's name. */
  readonly resources: ReadonlyMap<string, number>;
  readonly probeMode: ProbeMode;
  readonly attributes: string;
}

/** A row of dr_gateways. */
export interface GatewayRow {
  readonly id: string;
  readonly type: number;
  /** SIP URI; what stands before "@" is not used. */
  readonly uri: string;
  /** Characters taken off the dialled number. */
  readonly strip: number;
  /** Put before what is left of it. */
  readonly prefix: string;
  readonly attributes: string;
  readonly probeMode: ProbeMode;
  /** 0 in use, 1 switched off, 2 disabled until a probe is answered. */
  readonly state: number;
  readonly socket: string;
}

/** A gateway or a carrier ("#id") of a list, with its weight. */
export interface ListEntry {
  readonly id: string;
  readonly carrier: boolean;
  readonly weight: number;
  /** Number of its part of the list, parts being separated by ";" (Kamailio). */
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
  /** When it counts; undefined: always. */
  readonly time: TimeRecurrence | undefined;
  /** The highest is tried first. */
  readonly priority: number;
  /** Route that is run when the rule is used; '' for none. */
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

/** Tables of drouting of a file that has none. */
export const NO_ROUTING: RoutingRows = { gateways: [], carriers: [], rules: [], groups: [] };
