import type { Clock } from '../core/clock.js';
import type { SelectEnv } from './algorithms/algorithm.js';
import type { Flavour } from './flavour.js';
import type { Compat, FlavourName, KamailioVersion, PartitionOptions } from './options.js';

/**
 * What a flavour says before there is a partition: to settings, tables, tools and processes. Each folder beside this file
 * implements it; what depends on the destinations of one partition is in `Flavour`.
 */
export interface FlavourKind extends TableRules {
  readonly name: FlavourName;
  /** The rules for one partition. `partition` may get other parameters later. */
  create(partition: PartitionOptions, env: SelectEnv, clock: Clock): Flavour;
  /** What the algorithm with this code is called; undefined for none. `strict`: only those of the recorded program. */
  algorithmName(code: number, strict: boolean): string | undefined;
  /** Whether calls may count as load of their destination, so that their beginning and end have to be known. */
  readonly countsCalls: boolean;
  /** Whether the question for the destinations a request comes from can name a pattern of their attributes. */
  readonly comparesAttributes: boolean;
  /**
   * Milliseconds between two lookups of host names, `usual` where nothing else is said; undefined: they are looked up by
   * loads alone.
   */
  namesEvery(partition: NamesOptions, usual: number): number | undefined;
  /** Whether rows lose the flag that asks for probes. `pingInterval`: ds_ping_interval. */
  dropsProbing(version: KamailioVersion | undefined, pingInterval: number): boolean;
}

/** Parameters of a partition that say how often names are looked up. */
export interface NamesOptions {
  readonly compat: Compat;
  /** Parameters of 6.x; times in seconds. */
  readonly dns: { readonly mode: number | undefined; readonly interval: number; readonly ttl: number };
}

/** What the table of a flavour is like, beside the names of its columns (`store/table.ts`). */
export interface TableRules {
  /** State, weight and socket are columns, and states are written back; else they are in flags and attributes. */
  readonly hasStateColumn: boolean;
  /** Columns of a table may be attributes (ds_db_extra_attrs). */
  readonly hasAttributeColumns: boolean;
  /** A destination may stand in a table without its scheme. */
  readonly takesBareHosts: boolean;
  /** Attributes and description may be NULL. */
  readonly textsMayBeNull: boolean;
  /** Destinations may stand in a list file in place of a table. */
  readonly hasListFiles: boolean;
}
