import { readFile } from 'node:fs/promises';
import type { FileUrl } from '../config/db-url.js';
import { SwitchyardError, unreadableReason } from '../core/errors.js';
import { nextIteration } from '../core/event-loop.js';
import type { StoreConfig } from './knex-store.js';
import { listLines, parseListLine } from './list-file.js';
import { type LoadRules, loadRules, RowReader } from './rows.js';
import type { DestinationStore, StoreLoad } from './store.js';

const LINES_PER_ITERATION = 1000;
/** Largest file in bytes, far beyond real lists: a wrong path must not fill the memory. */
const MAX_BYTES = 256 * 1024 * 1024;

/** Creates the store of a kamailio partition in a list file. */
export function createListStore(url: FileUrl, config: StoreConfig): DestinationStore {
  return new ListStore(url.path, config);
}

class ListStore implements DestinationStore {
  readonly description: string;
  /** The operator owns the file, so states are kept in memory only, as in Kamailio. */
  readonly writable = false;
  readonly isFile = true;

  constructor(
    private readonly path: string,
    private readonly config: StoreConfig,
  ) {
    this.description = `list file ${path}`;
  }

  async load(): Promise<StoreLoad> {
    let content: Buffer;
    try {
      content = await readFile(this.path);
    } catch (error) {
      throw new SwitchyardError('STORE_UNREACHABLE', `${this.description} cannot be read: ${unreadableReason(error)}`, {
        cause: error,
      });
    }
    if (content.length > MAX_BYTES) {
      throw new SwitchyardError('STORE_SCHEMA', `${this.description} is larger than ${MAX_BYTES} bytes`);
    }
    const { flavour, persistentState, compat } = this.config;
    const strict = compat === 'strict';
    const load = await readListFile(content, this.path, flavour, persistentState, strict, loadRules(this.config));
    const [first] = load.discarded;
    if (strict) return load;
    // A file without any valid line is refused and not taken as an empty list.
    if (load.rows.length === 0 && first !== undefined) {
      throw new SwitchyardError(
        'STORE_SCHEMA',
        `${this.description}: none of its ${load.discarded.length} lines can be used; ${first.row}: ${first.reason}`,
      );
    }
    return load;
  }

  async saveStates(): Promise<void> {
    throw new SwitchyardError('STORE_READONLY', `${this.description}: states are not kept there`);
  }

  async close(): Promise<void> {}
}

/**
 * Reads all lines; an invalid one is reported with file and line number, and the others are loaded. `strict`: as
 * recorded, a line without a destination makes the whole load fail.
 * Throws SwitchyardError STORE_SCHEMA.
 */
export async function readListFile(
  content: Buffer,
  path: string,
  flavour: StoreConfig['flavour'],
  persistentState: boolean,
  strict = false,
  rules: LoadRules = {},
): Promise<StoreLoad> {
  const reader = new RowReader({ table: path, flavour, persistentState, kind: 'file', ...rules });
  let number = 0;
  for (const line of listLines(content.toString('latin1'), strict)) {
    if (++number % LINES_PER_ITERATION === 0) await nextIteration();
    const read = parseListLine(line, strict);
    if (read === undefined) continue;
    const named = `line ${number}`;
    if ('problem' in read && strict) {
      throw new SwitchyardError('STORE_SCHEMA', `list file ${path}, ${named}: ${read.problem}`);
    }
    if ('problem' in read)
      reader.discarded.push({ row: `file ${path}, ${named}`, reason: read.problem, at: { line: number } });
    else reader.add(read.row, named, number);
  }
  return { rows: reader.rows, discarded: reader.discarded };
}
