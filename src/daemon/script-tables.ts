import type { LoadedCfg } from '../cfg-file/load.js';
import { parseDatabaseUrl } from '../config/db-url.js';
import { messageOf } from '../core/errors.js';
import { readNetwork } from '../core/ipv4-network.js';
import type { Logger } from '../core/logger.js';
import type { AddressRow, DomainRow, ScriptTables } from '../script/tables.js';
import { NO_TABLES } from '../script/tables.js';
import { isSqlUrl } from '../store/dialects.js';
import { DatabasePools } from '../store/pools.js';

/** Rows of one table taken at most. */
const MOST_ROWS = 1_000_000;

/** What was read, and whether all of it could be. */
export interface ReadTables {
  readonly tables: ScriptTables;
  readonly complete: boolean;
}

/**
 * Reads the tables the modules of a file use: those of permissions and domain. A table that cannot be read is logged, and stays
 * what it was in `before`.
 */
export async function readScriptTables(cfg: LoadedCfg, log: Logger, before = NO_TABLES): Promise<ReadTables> {
  if (!cfg.loaded.has('permissions') && !cfg.loaded.has('domain')) return { tables: NO_TABLES, complete: true };
  let complete = true;
  const pools = new DatabasePools(log);
  const read = async (module: string, table: string): Promise<readonly Record<string, unknown>[] | undefined> => {
    if (!cfg.loaded.has(module)) return [];
    const given = cfg.modules.get(module)?.get('db_url')?.at(-1) ?? cfg.globals.defaultDbUrl;
    if (given === undefined) return [];
    try {
      const url = parseDatabaseUrl(String(given), cfg.folder);
      if (!isSqlUrl(url)) throw new Error('only SQL databases hold this table');
      const database = pools.open(url);
      try {
        return await database.run((knex) => knex.select<Record<string, unknown>[]>('*').from(table).limit(MOST_ROWS));
      } finally {
        await database.release();
      }
    } catch (error) {
      log.error(
        { module, table, err: { message: messageOf(error) } },
        'script: a table cannot be read, it stays as it was',
      );
      complete = false;
      return undefined;
    }
  };
  const name = (module: string, key: string, fallback: string): string =>
    String(cfg.modules.get(module)?.get(key)?.at(-1) ?? fallback);
  const addresses = await read('permissions', name('permissions', 'address_table', 'address'));
  const domains = await read('domain', name('domain', 'domain_table', 'domain'));
  const tables = {
    addresses: addresses?.map(addressRow) ?? before.addresses,
    domains: domains?.map(domainRow) ?? before.domains,
  };
  return { tables, complete };
}

function addressRow(row: Record<string, unknown>): AddressRow {
  const text = (key: string): string | undefined =>
    row[key] === null || row[key] === undefined ? undefined : String(row[key]);
  const ip = text('ip') ?? text('ip_addr') ?? '';
  const mask = Number(row['mask'] ?? 32);
  return {
    group: Number(row['grp'] ?? 0),
    ip,
    mask,
    network: readNetwork(`${ip}/${mask}`),
    port: Number(row['port'] ?? 0),
    protocol: (text('proto') ?? 'any').toLowerCase(),
    pattern: text('pattern'),
    context: text('context_info') ?? text('tag'),
  };
}

function domainRow(row: Record<string, unknown>): DomainRow {
  const attrs = row['attrs'];
  return {
    domain: String(row['domain'] ?? ''),
    attrs: attrs === null || attrs === undefined ? undefined : String(attrs),
  };
}
