import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseDatabaseUrl } from '../../config/db-url.js';
import { parseFreeswitchUrl } from '../../config/freeswitch-url.js';
import type { DispatcherConfig, PartitionConfig } from '../../config/settings.js';
import { messageOf, SwitchyardError } from '../../core/errors.js';
import { nullLogger } from '../../core/logger.js';
import type { HealthState } from '../../engine/destination.js';
import { createStore } from '../../store/create-store.js';
import { createListStore, readListFile } from '../../store/list-store.js';
import { DatabasePools } from '../../store/pools.js';
import { type InitReport, initDatabase, insertRows, type NewRow, showRows } from '../../store/provision.js';
import { RowReader } from '../../store/rows.js';
import type { StoreLoad } from '../../store/store.js';
import { rowValues } from '../../store/table-spec.js';
import { freeswitchMaxWeight } from '../../tenant/options.js';

function tableOf(config: PartitionConfig) {
  const url = parseDatabaseUrl(config.dbUrl, dirname(config.source));
  return { url, table: config.tableName, columns: config.columns, flavour: config.flavour };
}

/** Makes a partition's table and version row where they are missing (switchyard db init). Throws SwitchyardError STORE_*. */
export function initPartition(config: PartitionConfig): Promise<InitReport> {
  return initDatabase(tableOf(config));
}

/** A partition's rows as they would be loaded, and those that would not (switchyard db show). */
export function showPartition(config: PartitionConfig, dispatcher: DispatcherConfig): Promise<StoreLoad> {
  const spec = tableOf(config);
  return spec.url.kind === 'list'
    ? createListStore(spec.url, config).load()
    : showRows(spec, nullLogger, freeswitchMaxWeight(dispatcher));
}

/**
 * Adds rows read from a file to a partition's table (switchyard db import). A bad line of a list file goes to `report`,
 * the others are taken. Returns how many.
 */
export async function importRows(
  config: PartitionConfig,
  file: string,
  replace: boolean,
  report: (problem: string) => void = () => {},
): Promise<number> {
  const rows = await readRows(file, report);
  const rules = { table: file, kind: 'file', flavour: config.flavour, persistentState: true } as const;
  const reader = new RowReader({ ...rules, freeswitchMaxWeight: 1 });
  for (const [i, row] of rows.entries()) reader.add(rowValues(row), `row ${i + 1}`);
  for (const { row, reason } of reader.result().discarded)
    report(`${row}: ${reason}; it is added, but no load takes it`);
  return insertRows(tableOf(config), rows, { replace });
}

/** What is wrong with a partition's database: nothing, or why it could not be loaded (switchyard check). */
export async function checkPartition(config: PartitionConfig): Promise<readonly string[]> {
  const pools = new DatabasePools(nullLogger);
  const store = createStore(config, { pools });
  try {
    await store.load();
    return [];
  } catch (error) {
    return [messageOf(error)];
  } finally {
    await store.close();
  }
}

const STATES: Readonly<Record<string, HealthState>> = {
  '0': 'active',
  '1': 'inactive',
  '2': 'probing',
  active: 'active',
  inactive: 'inactive',
  probing: 'probing',
};

/**
 * Rows of a file: JSON (an array, or one object a line) with the table's column names, or Kamailio's list file. Throws
 * SwitchyardError USAGE.
 */
async function readRows(file: string, report: (problem: string) => void): Promise<readonly NewRow[]> {
  let content: Buffer;
  try {
    content = readFileSync(file);
  } catch (error) {
    throw new SwitchyardError('USAGE', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
  const text = content.toString('utf8');
  if (!/^\s*[[{]/.test(text)) {
    const { rows, discarded } = await readListFile(content, file, 'kamailio', true);
    for (const { row, reason } of discarded) report(`${row}: ${reason}`);
    return rows;
  }
  let values: unknown[];
  try {
    values = text.trimStart().startsWith('[')
      ? (JSON.parse(text) as unknown[])
      : text
          .split('\n')
          .filter((line) => line.trim() !== '')
          .map((line) => JSON.parse(line) as unknown);
  } catch (error) {
    throw new SwitchyardError('USAGE', `${file} is neither a JSON array nor JSON lines: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return values.map((value, i) => toRow(value, `${file} row ${i + 1}`));
}

function toRow(value: unknown, where: string): NewRow {
  if (typeof value !== 'object' || value === null) throw new SwitchyardError('USAGE', `${where} is not an object`);
  const given = value as Record<string, unknown>;
  const setId = Number(given['setid']);
  const uri = given['destination'];
  if (!Number.isInteger(setId) || setId < 0) throw new SwitchyardError('USAGE', `${where}: setid is not a number`);
  if (typeof uri !== 'string') throw new SwitchyardError('USAGE', `${where}: destination is missing`);
  const state = STATES[String(given['state'] ?? '0')];
  if (state === undefined) throw new SwitchyardError('USAGE', `${where}: state is none of 0, 1, 2`);
  const text = (name: string): string => (given[name] === undefined || given[name] === null ? '' : String(given[name]));
  const number = (name: string, otherwise: number): number => {
    const raw = given[name];
    const result = raw === undefined || raw === null ? otherwise : Number(raw);
    if (!Number.isInteger(result)) throw new SwitchyardError('USAGE', `${where}: ${name} is not a number`);
    return result;
  };
  const feed = /^\s*fs:/i.test(text('weight')) ? text('weight').trim() : undefined;
  if (feed !== undefined) checkFeed(feed, where);
  return {
    setId,
    uri,
    state,
    socket: text('socket'),
    attrs: text('attrs'),
    description: text('description'),
    ...(feed === undefined ? { weight: number('weight', 1) } : { weightFeed: feed }),
    priority: number('priority', 0),
    probeMode: number('probe_mode', 0),
    flags: number('flags', 0),
  };
}

/** The address of a FreeSWITCH server instead of a weight. */
function checkFeed(feed: string, where: string): void {
  try {
    parseFreeswitchUrl(feed);
  } catch (error) {
    throw new SwitchyardError('USAGE', `${where}: weight: ${messageOf(error)}`, { cause: error });
  }
}
