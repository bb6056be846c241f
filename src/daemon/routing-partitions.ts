import type { LoadedCfg } from '../cfg-file/load.js';
import type { RoutingPartition, RoutingRows } from '../script/gateway-rows.js';
import type { DatabaseRow } from './script-rows.js';

/** Maximum number of partitions. */
const MAX_PARTITIONS = 1000;

/** One table of a partition. */
interface Source {
  readonly partition: string;
  readonly url: string | undefined;
  readonly table: string;
}

/** Rows of the four tables of a partition. */
type Read = { readonly [K in keyof RoutingRows]: readonly DatabaseRow[] };

/** The tables of a partition: the column that names one, and its default name. */
const TABLES = [
  ['gateways', 'drd_table', 'dr_gateways'],
  ['carriers', 'drc_table', 'dr_carriers'],
  ['rules', 'drr_table', 'dr_rules'],
  ['groups', 'drg_table', 'dr_groups'],
] as const;

/** Columns that name variables; the parameters of the module have the same names. */
const VARIABLES = ['gw_id_avp', 'gw_priprefix_avp', 'rule_id_avp', 'rule_prefix_avp', 'carrier_id_avp'] as const;

/** Whether the file reads partitions of drouting from a table. */
export function isPartitioned(cfg: LoadedCfg): boolean {
  return cfg.loaded.has('drouting') && Number(parameter(cfg, 'use_partitions') ?? 0) !== 0;
}

/**
 * The partitions that the table of db_partitions_url names, each with its own database and tables. A partition with a
 * table that cannot be read is taken from `before`; if the table of partitions cannot be read, all of them are. `only`:
 * reads the tables of this partition only.
 */
export async function routingPartitions(
  cfg: LoadedCfg,
  before: ReadonlyMap<string, RoutingPartition>,
  read: (source: Source) => Promise<readonly DatabaseRow[] | undefined>,
  made: (table: string, rows: Read) => RoutingRows,
  only?: string,
): Promise<ReadonlyMap<string, RoutingPartition>> {
  const url = parameter(cfg, 'db_partitions_url') ?? cfg.globals.defaultDbUrl;
  const table = parameter(cfg, 'db_partitions_table') ?? 'dr_partitions';
  const named = await read({ partition: '', url, table });
  if (named === undefined) return before;
  const found = new Map(only === undefined ? [] : [...before].filter(([name]) => name !== only));
  for (const row of named.slice(0, MAX_PARTITIONS)) {
    const text = (column: string): string => String(row[column] ?? '').trim();
    const name = text('partition_name');
    if (name === '' || (only !== undefined && name !== only)) continue;
    const rows: { -readonly [K in keyof Read]?: readonly DatabaseRow[] | undefined } = {};
    for (const [key, column, usual] of TABLES)
      rows[key] = await read({ partition: name, url: text('db_url') || undefined, table: text(column) || usual });
    const { gateways, carriers, rules, groups } = rows;
    const old = before.get(name);
    if (gateways === undefined || carriers === undefined || rules === undefined || groups === undefined) {
      if (old !== undefined) found.set(name, old);
      continue;
    }
    const variables = new Map<string, string>();
    for (const each of VARIABLES) if (text(each) !== '') variables.set(each, text(each));
    found.set(name, { rows: made(`dr_* of ${name}`, { gateways, carriers, rules, groups }), variables });
  }
  return found;
}

function parameter(cfg: LoadedCfg, name: string): string | undefined {
  const value = cfg.modules.get('drouting')?.get(name)?.at(-1);
  return value === undefined || value === '' ? undefined : String(value);
}
