import type { Clock } from '../core/clock.js';
import type { SelectEnv } from './algorithms/algorithm.js';
import type { Flavour } from './flavour.js';
import type { Compat, FlavourName, KamailioVersion, PartitionOptions } from './options.js';

/**
 * The rules of a flavour that need no partition: for settings, tables, tools and worker processes. Each folder beside
 * this file implements it. Rules that concern the destinations of a partition are in `Flavour`.
 */
export interface FlavourKind extends TableRules {
  readonly name: FlavourName;
  /** Creates the rules for one partition. The options in `partition` may change later. */
  create(partition: PartitionOptions, env: SelectEnv, clock: Clock): Flavour;
  /**
   * Name of the algorithm with this code; undefined if there is none. `strict`: only algorithms of the recorded
   * program.
   */
  algorithmName(code: number, strict: boolean): string | undefined;
  /** Whether a call may count as load of its destination: then the beginning and end of calls must be reported. */
  readonly countsCalls: boolean;
  /** Whether a query for the source of a request may contain a pattern for attributes (ds_is_in_list). */
  readonly comparesAttributes: boolean;
  /** Milliseconds between two lookups of host names, `usual` by default; undefined: only loads look them up. */
  namesEvery(partition: NamesOptions, usual: number): number | undefined;
  /** Whether the flag that asks for probes is removed from rows. `pingInterval`: ds_ping_interval. */
  dropsProbing(version: KamailioVersion | undefined, pingInterval: number): boolean;
}

/** Parameters that decide how often names are looked up. */
export interface NamesOptions {
  readonly compat: Compat;
  /** Parameters of Kamailio 6.x; times in seconds. */
  readonly dns: { readonly mode: number | undefined; readonly interval: number; readonly ttl: number };
}

/** Properties of a flavour's tables; the names of the columns are in `store/table.ts`. */
export interface TableRules {
  /**
   * Whether state, weight and socket are columns and states are written back; otherwise they are in flags and
   * attributes.
   */
  readonly hasStateColumn: boolean;
  /** Whether further columns may be read as attributes (ds_db_extra_attrs). */
  readonly hasAttributeColumns: boolean;
  /** Whether a destination in a table may lack the "sip:". */
  readonly takesBareHosts: boolean;
  /** Whether attributes and description may be NULL. */
  readonly textsMayBeNull: boolean;
  /** Whether destinations may be in a list file instead of a table. */
  readonly hasListFiles: boolean;
}
