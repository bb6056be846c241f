import { parseFreeswitchUrl } from '../../config/freeswitch-url.js';
import type { PartitionConfig, Settings } from '../../config/settings.js';
import { messageOf, SwitchyardError } from '../../core/errors.js';
import { maskSecrets, maskUri } from '../../core/mask.js';
import { nearest } from '../../core/nearest.js';
import type { DestinationRow } from '../../engine/destination.js';
import { flavourKind } from '../../engine/flavours.js';
import type { FlavourName } from '../../engine/options.js';
import { columnValues } from '../../store/table-spec.js';
import type { CommandIo } from '../line/io.js';
import { hint } from '../line/parse.js';
import { settingsFor } from '../settings.js';
import { initPartition, rowsOf } from './tables.js';

/** Options of all subcommands of "db". */
export interface DatabaseOptions {
  readonly config?: string | undefined;
  readonly partition?: string | undefined;
  readonly json?: boolean | undefined;
}

/** The partitions selected by the options. Throws SwitchyardError PARTITION_UNKNOWN, ConfigError. */
export function chosen({ config, partition: wanted }: DatabaseOptions, io: CommandIo): Chosen {
  const settings = settingsFor(config, io);
  const partitions = settings.partitions.filter((each) => wanted === undefined || each.name === wanted);
  if (partitions.length > 0) return { partitions, settings };
  const names = settings.partitions.map(({ name }) => name);
  if (wanted === undefined) throw new SwitchyardError('PARTITION_UNKNOWN', `${settings.file} has no partition`);
  throw new SwitchyardError('PARTITION_UNKNOWN', `no partition "${wanted}"${hint(nearest(wanted, names))}`);
}

interface Chosen {
  readonly partitions: readonly PartitionConfig[];
  readonly settings: Settings;
}

/** switchyard db init. Returns the exit status. */
export async function init(options: DatabaseOptions, io: CommandIo): Promise<number> {
  const { partitions } = chosen(options, io);
  // A list file has no table to create; that is an error only if the partition was named.
  const isList = ({ dbUrl }: PartitionConfig): boolean => options.partition === undefined && dbUrl.startsWith('list:');
  for (const { name } of partitions.filter(isList)) io.out(`partition ${name}: a list file, nothing to create\n`);
  return initAll(
    partitions.filter((each) => !isList(each)),
    io,
  );
}

/** switchyard db show. Returns the exit status. */
export async function show(options: DatabaseOptions, io: CommandIo): Promise<number> {
  const { partitions, settings } = chosen(options, io);
  const loads = await rowsOf(settings, new Set(partitions.map(({ name }) => name)));
  let status = 0;
  for (const [name, load] of loads) {
    if ('failure' in load) {
      io.err(`partition ${name}: ${load.failure}\n`);
      status = 1;
      continue;
    }
    const flavour = partitions.find((each) => each.name === name)?.flavour ?? 'opensips';
    for (const row of load.rows) io.out(options.json === true ? jsonLine(name, row, flavour) : textLine(name, row));
    for (const { row, reason } of load.discarded) io.err(maskSecrets(`partition ${name}: ${row}: ${reason}\n`));
  }
  return status;
}

/** A row as JSON, with the names of its columns. */
function jsonLine(partition: string, row: DestinationRow, flavour: FlavourName): string {
  const { probe_mode, weight, state, socket, flags, ...values } = columnValues(row);
  const { hasStateColumn } = flavourKind(flavour);
  const own = hasStateColumn ? { socket, state, probe_mode, weight: shownWeight(row) } : { flags };
  return `${JSON.stringify({ partition, id: row.rowId ?? null, ...values, ...own })}\n`;
}

function textLine(partition: string, row: DestinationRow): string {
  const { setId, uri, state, priority } = row;
  const weight = shownWeight(row);
  const { attrs } = columnValues(row);
  return `${partition}\t${setId}\t${maskUri(uri)}\t${state}\tweight ${weight}\tpriority ${priority}\t${attrs}\n`;
}

/** The weight, without the address of a FreeSWITCH server, which contains a password. */
function shownWeight({ weight, weightFeed }: DestinationRow): string {
  return weightFeed === undefined ? String(weight) : parseFreeswitchUrl(weightFeed).display;
}

async function initAll(partitions: readonly PartitionConfig[], io: CommandIo): Promise<number> {
  let status = 0;
  for (const partition of partitions) {
    try {
      const { tableCreated, versionAdded, version } = await initPartition(partition);
      const made = [tableCreated ? 'table' : '', versionAdded ? 'version row' : ''].filter((each) => each !== '');
      const what = made.length === 0 ? 'existed already' : `created its ${made.join(' and ')}`;
      io.out(`partition ${partition.name}: ${partition.tableName} version ${version}, ${what}\n`);
    } catch (error) {
      io.err(`partition ${partition.name}: ${messageOf(error)}\n`);
      status = 1;
    }
  }
  return status;
}
