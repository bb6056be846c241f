import { dirname } from 'node:path';
import { parseDatabaseUrl } from '../config/db-url.js';
import { SwitchyardError } from '../core/errors.js';
import { flavourKind, LIST_FLAVOUR } from '../engine/flavours.js';
import { isSqlUrl } from './dialects.js';
import { createKnexStore, type StoreConfig } from './knex-store.js';
import { createListStore } from './list-store.js';
import type { DatabasePools } from './pools.js';
import type { DestinationStore } from './store.js';
import { createTextStore } from './text-store.js';

/** What all stores need. */
export interface StoreDependencies {
  readonly pools: DatabasePools;
  /** Folder from which relative paths in a db_url start; default: that of the file that defines the partition. */
  readonly baseDir?: string;
}

/**
 * Creates the store for a partition's db_url. It only takes a share of a connection pool; nothing is opened yet. Throws
 * SwitchyardError CONFIG_INVALID or STORE_DRIVER.
 */
export function createStore(config: StoreConfig, dependencies: StoreDependencies): DestinationStore {
  const url = parseDatabaseUrl(config.dbUrl, dependencies.baseDir ?? dirname(config.source));
  if (isSqlUrl(url)) return createKnexStore(dependencies.pools.open(url), config);
  if (url.kind === 'text') return createTextStore(url, config);
  if (flavourKind(config.flavour).hasListFiles) return createListStore(url, config);
  throw new SwitchyardError('STORE_DRIVER', `${url.display}: list files need flavour ${LIST_FLAVOUR}`);
}
