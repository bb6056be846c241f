import { parseFreeswitchUrl } from '../../config/freeswitch-url.js';
import type { DispatcherConfig, PartitionConfig } from '../../config/settings.js';
import { messageOf, SwitchyardError } from '../../core/errors.js';
import { nearest } from '../../core/nearest.js';
import { usageError } from '../line/command.js';
import type { CommandIo } from '../line/io.js';
import { hint } from '../line/parse.js';
import { settingsFor } from '../settings.js';
import { importRows, initPartition, showPartition } from './tables.js';

interface DatabaseOptions {
  readonly config?: string | undefined;
  readonly partition?: string | undefined;
  readonly json?: boolean | undefined;
}

/** The partitions the options mean. Throws SwitchyardError PARTITION_UNKNOWN, ConfigError. */
function chosen({ config, partition: wanted }: DatabaseOptions, io: CommandIo): Chosen {
  const settings = settingsFor(config, io);
  const partitions = settings.partitions.filter((each) => wanted === undefined || each.name === wanted);
  if (partitions.length > 0) return { partitions, dispatcher: settings.dispatcher };
  const names = settings.partitions.map(({ name }) => name);
  if (wanted === undefined) throw new SwitchyardError('PARTITION_UNKNOWN', `${settings.file} has no partition`);
  throw new SwitchyardError('PARTITION_UNKNOWN', `no partition "${wanted}"${hint(nearest(wanted, names))}`);
}

interface Chosen {
  readonly partitions: readonly PartitionConfig[];
  readonly dispatcher: DispatcherConfig;
}

/** switchyard db init. Returns the exit status. */
export async function init(options: DatabaseOptions, io: CommandIo): Promise<number> {
  return initAll(chosen(options, io).partitions, io);
}

/** switchyard db show. Returns the exit status. */
export async function show(options: DatabaseOptions, io: CommandIo): Promise<number> {
  const { partitions, dispatcher } = chosen(options, io);
  return showAll(partitions, dispatcher, options.json === true, io);
}

/** switchyard db import. Returns the exit status. */
export async function importFile(
  options: DatabaseOptions & { readonly replace?: boolean | undefined; readonly 'if-empty'?: boolean | undefined },
  file: string,
  io: CommandIo,
): Promise<number> {
  const { partitions, dispatcher } = chosen(options, io);
  const [only] = partitions;
  if (only === undefined || partitions.length > 1) throw usageError('db import needs --partition P');
  if (options['if-empty'] === true) {
    const { rows, discarded } = await showPartition(only, dispatcher);
    if (rows.length + discarded.length > 0) {
      io.out(`partition ${only.name}: has ${rows.length + discarded.length} rows already, nothing added\n`);
      return 0;
    }
  }
  const count = await importRows(only, file, options.replace === true, (problem) => io.err(`${problem}\n`));
  io.out(`partition ${only.name}: ${count} rows ${options.replace === true ? 'in place of those it had' : 'added'}\n`);
  return 0;
}

async function initAll(partitions: readonly PartitionConfig[], io: CommandIo): Promise<number> {
  let status = 0;
  for (const partition of partitions) {
    try {
      const { tableCreated, versionAdded, version } = await initPartition(partition);
      const made = [tableCreated ? 'table' : '', versionAdded ? 'version row' : ''].filter((each) => each !== '');
      const what = made.length === 0 ? 'was there already' : `made its ${made.join(' and ')}`;
      io.out(`partition ${partition.name}: ${partition.tableName} version ${version}, ${what}\n`);
    } catch (error) {
      io.err(`partition ${partition.name}: ${messageOf(error)}\n`);
      status = 1;
    }
  }
  return status;
}

async function showAll(
  partitions: readonly PartitionConfig[],
  dispatcher: DispatcherConfig,
  json: boolean,
  io: CommandIo,
): Promise<number> {
  let status = 0;
  for (const partition of partitions) {
    try {
      const { rows, discarded } = await showPartition(partition, dispatcher);
      for (const row of rows) {
        const { setId, uri, state, weight, priority, attrs, weightFeed } = row;
        // The password in it must not be shown.
        const feed = weightFeed === undefined ? {} : { weightFeed: parseFreeswitchUrl(weightFeed).display };
        if (json) io.out(`${JSON.stringify({ partition: partition.name, ...row, ...feed })}\n`);
        else
          io.out(`${partition.name}\t${setId}\t${uri}\t${state}\tweight ${weight}\tpriority ${priority}\t${attrs}\n`);
      }
      for (const { row, reason } of discarded) io.err(`partition ${partition.name}: ${row}: ${reason}\n`);
    } catch (error) {
      io.err(`partition ${partition.name}: ${messageOf(error)}\n`);
      status = 1;
    }
  }
  return status;
}
