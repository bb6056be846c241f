import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseDatabaseUrl } from '../../config/db-url.js';
import type { Problem } from '../../config/problem.js';
import type { PartitionConfig } from '../../config/settings.js';
import { messageOf } from '../../core/errors.js';
import { nullLogger } from '../../core/logger.js';
import { createStore } from '../../store/create-store.js';
import { superfluous } from '../../store/list-file.js';
import { DatabasePools } from '../../store/pools.js';
import { partitionProblem } from './partition-problem.js';

/** Maximum number of lines of one list file that are named individually. */
const LINES_NAMED = 20;
/** A row that no table has: writing its state requires the permission to write, but changes nothing. */
const NO_ROW = { rowId: undefined, setId: 2_147_483_647, uri: 'sip:no-such-row.invalid', state: 'active' } as const;

/** Finds partitions that should keep states in their table, but whose database does not allow it. */
export async function unwritable(partitions: readonly PartitionConfig[]): Promise<Problem[]> {
  const pools = new DatabasePools(nullLogger);
  const found: Problem[] = [];
  for (const partition of partitions) {
    if (!partition.persistentState) continue;
    const url = parseDatabaseUrl(partition.dbUrl, dirname(partition.source));
    const store = createStore(partition, { pools });
    try {
      if (!store.writable) continue;
      if (url.kind === 'text') await access(`${url.path}/${partition.tableName}`, constants.W_OK);
      else await store.saveStates([NO_ROW]);
    } catch (error) {
      found.push(partitionProblem(partition, `states cannot be kept (persistent_state is on): ${messageOf(error)}`));
    } finally {
      await store.close();
    }
  }
  return found;
}

/** Finds lines of a list file with words that a load ignores. */
export async function ignoredWords(partition: PartitionConfig): Promise<Problem[]> {
  const url = parseDatabaseUrl(partition.dbUrl, dirname(partition.source));
  if (url.kind !== 'list') return [];
  const lines = (await readFile(url.path, 'latin1')).split('\n');
  const found: Problem[] = [];
  for (const [i, line] of lines.entries()) {
    const words = superfluous(line);
    if (words === '') continue;
    found.push({ file: url.path, pointer: '', line: i + 1, reason: `"${words.slice(0, 80)}" is ignored` });
    if (found.length === LINES_NAMED) break;
  }
  return found;
}
