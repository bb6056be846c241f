import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { LoadedCfg } from '../cfg-file/load.js';
import { parseDatabaseUrl } from '../config/db-url.js';
import { messageOf, SwitchyardError } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import { namedValues } from '../core/named-values.js';
import { NO_ROUTING, type RoutingRows } from '../script/gateway-rows.js';
import type { PrefixTree } from '../script/prefix-tree.js';
import type { SqlCache } from '../script/sql-caches.js';
import {
  type AddressRow,
  AddressTables,
  type DomainRow,
  type HashRow,
  NO_TABLES,
  type ScriptTables,
} from '../script/tables.js';
import { isSqlUrl } from '../store/dialects.js';
import { DatabasePools } from '../store/pools.js';
import { readTextRows } from '../store/text-rows.js';
import { FaultyRows } from './faulty-rows.js';
import { fraudProfiles } from './fraud-rows.js';
import { balancerRow, carrierRow, gatewayListRow, gatewayRow, groupRow, ruleRow } from './gateway-rows.js';
import { hashRows, hashSources } from './hash-rows.js';
import { treeOf, treeSources } from './prefix-trees.js';
import { isPartitioned, routingPartitions } from './routing-partitions.js';
import {
  addressLines,
  addressRow,
  type DatabaseRow,
  dialplanRules,
  domainAttributes,
  domainRow,
  inKamailioOrder,
  pipeRows,
  trustedRows,
  usuallyNamed,
} from './script-rows.js';
import { sqlCacheOf, sqlCachesOf } from './sql-cache-rows.js';

/** Maximum number of rows read of one table. */
const MAX_ROWS = 1_000_000;

/** What was read, and whether everything could be read. */
export interface ReadTables {
  readonly tables: ScriptTables;
  readonly complete: boolean;
}

/** What is read: all tables, those of one partition of drouting, or those that sql_cacher keeps. */
export type TablePart = 'all' | 'caches' | { readonly partition: string };

/** A table of a module: from its parameters, or of one of its partitions. */
interface Source {
  readonly partition: string;
  readonly url: string | undefined;
  readonly table: string;
}

const MODULES = [
  'permissions',
  'domain',
  'dialplan',
  'load_balancer',
  'drouting',
  'fraud_detection',
  'pipelimit',
] as const;

/**
 * Reads the tables that the modules of a file use: those of permissions, domain, dialplan, load_balancer, drouting,
 * fraud_detection, pipelimit, mtree, sql_cacher and hash tables. A table that cannot be read is logged, and taken from `before`. A
 * database that does not answer is asked once. `part`: what is read; the rest is taken from `before`.
 */
export async function readScriptTables(
  cfg: LoadedCfg,
  log: Logger,
  before = NO_TABLES,
  part: TablePart = 'all',
): Promise<ReadTables> {
  const hashed = hashSources(cfg);
  const trees = treeSources(cfg);
  const kept = sqlCachesOf(cfg);
  if (hashed.length + trees.length + kept.length === 0 && !MODULES.some((each) => cfg.loaded.has(each)))
    return { tables: NO_TABLES, complete: true };
  let complete = true;
  const pools = new DatabasePools(log);
  /** Databases that did not answer. Each of their tables would take as long again. */
  const silent = new Set<string>();
  const read = async (
    module: string,
    { url: given, table }: Source,
    needed = true,
  ): Promise<readonly DatabaseRow[] | undefined> => {
    if (given === undefined) return [];
    try {
      const url = parseDatabaseUrl(given, cfg.folder);
      if (url.kind === 'text') return await readTextRows(url.path, table, MAX_ROWS);
      if (!isSqlUrl(url)) throw new Error('only SQL databases and db_text folders hold this table');
      if (silent.has(url.canonical)) {
        if (needed) complete = false;
        return undefined;
      }
      const database = pools.open(url);
      try {
        return await database.run((knex) => knex.select<DatabaseRow[]>('*').from(table).limit(MAX_ROWS));
      } catch (error) {
        if (error instanceof SwitchyardError && error.code === 'STORE_UNREACHABLE') silent.add(url.canonical);
        throw error;
      } finally {
        await database.release();
      }
    } catch (error) {
      log.error(
        { module, table, err: { message: messageOf(error) } },
        'script: a table cannot be read and stays as it was, and so do the other tables of a database that does not answer',
      );
      if (needed) complete = false;
      return undefined;
    }
  };
  /** Converts rows of a gateway table; invalid ones are discarded. */
  const usable = <T>(module: string, table: string, make: (row: DatabaseRow) => T): Make<T> => {
    return (rows) => {
      const leftOut = new FaultyRows((row, reason) =>
        log.error({ module, table, row, reason }, 'script: a row of a table of gateways is left out'),
      );
      const made = rows.flatMap((row) => {
        try {
          return [make(row)];
        } catch (error) {
          leftOut.add(String(row['id'] ?? ''), messageOf(error));
          return [];
        }
      });
      leftOut.end();
      return made;
    };
  };
  const text = (name: string, fallback: string): string =>
    String(cfg.modules.get('drouting')?.get(name)?.at(-1) ?? fallback);
  const columns = [
    text('drg_user_col', 'username'),
    text('drg_domain_col', 'domain'),
    text('drg_grpid_col', 'groupid'),
  ] as const;
  /** Reads the partitions of drouting; with `only` that one alone, and takes the others from `before`. */
  const partitionsOf = (only?: string): Promise<ScriptTables['routingPartitions']> =>
    routingPartitions(
      cfg,
      before.routingPartitions,
      (source) => read('drouting', source),
      (table, rows) => ({
        gateways: usable('drouting', table, gatewayRow)(rows.gateways, ''),
        carriers: usable('drouting', table, carrierRow)(rows.carriers, ''),
        rules: usable('drouting', table, ruleRow)(rows.rules, ''),
        groups: usable('drouting', table, (row) => groupRow(row, columns))(rows.groups, ''),
      }),
      only,
    );
  const cachesRead = async (): Promise<ScriptTables['caches']> => {
    const caches = new Map<string, SqlCache>();
    for (const each of kept) {
      const rows = await read('sql_cacher', { partition: each.id, url: each.url, table: each.table });
      const cache = rows === undefined ? before.caches.get(each.id) : sqlCacheOf(rows, each);
      if (cache !== undefined) caches.set(each.id, cache);
    }
    return caches;
  };
  if (part === 'caches') return { tables: { ...before, caches: await cachesRead() }, complete };
  if (part !== 'all') {
    const routingPartitions = await partitionsOf(part.partition);
    return { tables: { ...before, routingPartitions }, complete };
  }
  const withUsualNames = (rows: readonly DatabaseRow[], module: string) =>
    usuallyNamed(rows, module, (name) => cfg.modules.get(module)?.get(name)?.at(-1));
  /** Reads all tables of a module and converts their rows; undefined when one of them cannot be read. */
  const all = async <T>(module: string, sources: readonly Source[], make: Make<T>): Promise<T[] | undefined> => {
    if (!cfg.loaded.has(module)) return [];
    const made: T[] = [];
    for (const source of sources) {
      const rows = await read(module, source);
      if (rows === undefined) return undefined;
      for (const each of make(withUsualNames(rows, module), source.partition)) made.push(each);
    }
    return made;
  };
  const addressFile = async (path: string): Promise<AddressRow[] | undefined> => {
    try {
      return addressLines(await readFile(path, 'latin1'), (line, reason) =>
        log.error({ module: 'permissions', file: path, line, reason }, 'script: a line of an address file is left out'),
      );
    } catch (error) {
      log.error(
        { module: 'permissions', file: path, err: { message: messageOf(error) } },
        'script: an address file cannot be read, the table stays as it was',
      );
      complete = false;
      return undefined;
    }
  };
  const kamailio = cfg.dialect.name === 'kamailio';
  const faulty = (module: string, table: string) => (row: string | number, reason: string) =>
    log.error({ module, table, row, reason }, 'script: a row of a table is left out');
  const list = kamailio && cfg.loaded.has('permissions') ? textOf(cfg, 'permissions', 'address_file') : undefined;
  const addresses =
    list === undefined
      ? await all('permissions', sourcesOf(cfg, 'permissions', 'address_table', 'address'), (rows, name) =>
          rows.map((row) => addressRow(row, name)),
        )
      : await addressFile(isAbsolute(list) ? list : join(cfg.folder, list));
  // Older files were written without these tables, so a missing one is only logged.
  const further = async (
    module: string,
    table: string,
    fallback: string,
  ): Promise<readonly DatabaseRow[] | undefined> => {
    const [source] = sourcesOf(cfg, module, table, fallback);
    if (!kamailio || !cfg.loaded.has(module) || source === undefined) return [];
    const rows = await read(module, source, false);
    return rows && withUsualNames(rows, module);
  };
  // A table that is queried for each call is in the order of the query.
  const cached = textOf(cfg, 'permissions', 'db_mode') === '1';
  const trusted = await further('permissions', 'trusted_table', 'trusted');
  const attributes = await further('domain', 'domain_attrs_table', 'domain_attrs');
  const domains = await all('domain', sourcesOf(cfg, 'domain', 'domain_table', 'domain'), (rows) =>
    rows.map(domainRow),
  );
  const rules = await all('dialplan', sourcesOf(cfg, 'dialplan', 'table_name', 'dialplan'), (rows, name) =>
    dialplanRules(rows, name, (id, reason) =>
      log.error({ module: 'dialplan', partition: name, row: id, reason }, 'script: a rule of the dialplan is left out'),
    ),
  );
  const gateways = <T>(module: string, parameter: string, fallback: string, make: (row: DatabaseRow) => T) =>
    all(module, sourcesOf(cfg, module, parameter, fallback).slice(0, 1), usable(module, fallback, make));
  const balancers = await gateways('load_balancer', 'db_table', 'load_balancer', balancerRow);
  const partitioned = !kamailio && isPartitioned(cfg);
  const routing = partitioned
    ? NO_ROUTING
    : {
        gateways: await gateways('drouting', 'drd_table', 'dr_gateways', gatewayRow),
        carriers: kamailio
          ? await gateways('drouting', 'drl_table', 'dr_gw_lists', gatewayListRow)
          : await gateways('drouting', 'drc_table', 'dr_carriers', carrierRow),
        rules: await gateways('drouting', 'drr_table', 'dr_rules', ruleRow),
        groups: await gateways('drouting', 'drg_table', 'dr_groups', (row) => groupRow(row, columns)),
      };
  const partitions = partitioned ? await partitionsOf() : before.routingPartitions;
  const hashes = new Map<string, readonly HashRow[]>();
  const [{ url }] = sourcesOf(cfg, 'htable', '', '') as [Source];
  for (const source of hashed) {
    const rows = await read('htable', { partition: source.name, url, table: source.table });
    const entries =
      rows === undefined ? before.hashes.get(source.name) : hashRows(rows, source, cfg, faulty('htable', source.table));
    if (entries !== undefined) hashes.set(source.name, entries);
  }
  const found = new Map<string, PrefixTree>();
  const [prefixes] = sourcesOf(cfg, 'mtree', '', '') as [Source];
  for (const source of trees) {
    const rows = await read('mtree', { partition: source.name, url: prefixes.url, table: source.table });
    const tree =
      rows === undefined
        ? before.trees.get(source.name)
        : await treeOf(rows, source, cfg, faulty('mtree', source.table));
    if (tree !== undefined) found.set(source.name, tree);
  }
  const [frauds] = sourcesOf(cfg, 'fraud_detection', 'table_name', 'fraud_detection');
  const fraudRows =
    cfg.loaded.has('fraud_detection') && frauds !== undefined ? await read('fraud_detection', frauds) : [];
  const limits = await further('pipelimit', 'plp_table_name', 'pl_pipes');
  const column = (name: string, usual: string) => textOf(cfg, 'pipelimit', `plp_${name}_column`) ?? usual;
  const pipeColumns = {
    name: column('pipeid', 'pipeid'),
    algorithm: column('algorithm', 'algorithm'),
    limit: column('limit', 'plimit'),
  };
  const caches = await cachesRead();
  const tables: ScriptTables = {
    caches,
    pipes: limits === undefined ? before.pipes : pipeRows(limits, pipeColumns, faulty('pipelimit', 'pl_pipes')),
    fraud:
      fraudRows === undefined
        ? before.fraud
        : await fraudProfiles(fraudRows, cfg, faulty('fraud_detection', 'fraud_detection')),
    hashes,
    trees: found,
    addresses:
      addresses === undefined ? before.addresses : new AddressTables(kamailio ? inKamailioOrder(addresses) : addresses),
    domains: domains === undefined ? before.domains : new Map(domains.map(named)),
    domainAttributes:
      attributes === undefined
        ? before.domainAttributes
        : domainAttributes(attributes, faulty('domain', 'domain_attrs')),
    trusted: trusted === undefined ? before.trusted : trustedRows(trusted, cached, faulty('permissions', 'trusted')),
    dialplans: rules === undefined ? before.dialplans : grouped(rules),
    balancers: balancers ?? before.balancers,
    routing: whole({ ...routing, groups: routing.groups ?? before.routing.groups }) ?? before.routing,
    routingPartitions: partitions,
  };
  return { tables, complete };
}

/** The tables of drouting belong together: undefined when one is missing. */
function whole({ gateways, carriers, rules, groups }: Partial<OrUndefined<RoutingRows>>): RoutingRows | undefined {
  if (gateways === undefined || carriers === undefined || rules === undefined || groups === undefined) return undefined;
  return { gateways, carriers, rules, groups };
}

type OrUndefined<T> = { [K in keyof T]: T[K] | undefined };
type Make<T> = (rows: readonly DatabaseRow[], partition: string) => readonly T[];

function named(row: DomainRow): [string, DomainRow] {
  return [row.domain.toLowerCase(), row];
}

function grouped<T extends { readonly partition: string; readonly id: number }>(rules: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const rule of rules) {
    const key = `${rule.partition}/${rule.id}`;
    const same = groups.get(key);
    if (same === undefined) groups.set(key, [rule]);
    else same.push(rule);
  }
  return groups;
}

function textOf(cfg: LoadedCfg, module: string, name: string): string | undefined {
  const value = cfg.modules.get(module)?.get(name)?.at(-1);
  return value === undefined || value === '' ? undefined : String(value);
}

/** The module's own table, and that of each of its partitions ("name: db_url=...; table_name=..."). */
function sourcesOf(cfg: LoadedCfg, module: string, tableName: string, fallback: string): Source[] {
  const parameters = cfg.modules.get(module);
  const url = parameters?.get('db_url')?.at(-1) ?? cfg.globals.defaultDbUrl;
  const own = url === undefined ? undefined : String(url);
  const table = String(parameters?.get(tableName)?.at(-1) ?? fallback);
  const partitions = (parameters?.get('partition') ?? []).map((each): Source => {
    const text = String(each);
    const colon = text.indexOf(':');
    const settings = namedValues(text.slice(colon + 1));
    const unquoted = (name: string): string | undefined => settings.get(name)?.replace(/^(['"])(.*)\1$/s, '$2');
    return {
      partition: text.slice(0, colon).trim(),
      url: unquoted('db_url') ?? own,
      table: unquoted('table_name') ?? fallback,
    };
  });
  return [
    ...(partitions.some(({ partition }) => partition === 'default') ? [] : [{ partition: 'default', url: own, table }]),
    ...partitions,
  ];
}
