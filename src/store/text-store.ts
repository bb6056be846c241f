import { join } from 'node:path';
import type { FileUrl } from '../config/db-url.js';
import { SwitchyardError } from '../core/errors.js';
import { nextIteration } from '../core/event-loop.js';
import { flavourKind } from '../engine/flavours.js';
import { formatTextRow, parseTextRow, readTextTable, replaceFile, type TextTable } from './db-text.js';
import type { StoreConfig } from './knex-store.js';
import { type LoadRules, loadRules, type RawRow, RowReader, stateNumber } from './rows.js';
import type { DestinationStore, StateWrite, StoreLoad } from './store.js';
import { checkVersion, extraColumns, type Field, mapColumns, type TableShape, VERSION_TABLE } from './table.js';

const ROWS_PER_ITERATION = 1000;
const NOT_ASCII = /[^\x00-\x7f]/;

/** Creates the store for a dispatcher table in a db_text folder. */
export function createTextStore(url: FileUrl, config: StoreConfig): DestinationStore {
  return new TextStore(url.path, config);
}

class TextStore implements DestinationStore {
  readonly description: string;
  readonly writable: boolean;
  private readonly shape: TableShape;
  private readonly rules: LoadRules;
  private readonly path: string;
  /** The last rewrite of the file: the next one begins with its result. */
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly folder: string,
    config: StoreConfig,
  ) {
    const { tableName: table, flavour, columns, persistentState } = config;
    this.path = join(folder, table);
    this.description = `table ${table} of text://${folder}`;
    this.writable = persistentState && flavourKind(flavour).hasStateColumn;
    this.rules = loadRules(config);
    this.shape = { description: this.description, table, flavour, columns, persistentState };
  }

  async load(): Promise<StoreLoad> {
    const table = await readTextTable(this.path);
    checkVersion(this.shape, await readTextVersion(this.folder, this.shape.table));
    const positions = this.positions(table);
    const wanted = flavourKind(this.shape.flavour).hasAttributeColumns ? (this.rules.extraAttrs ?? []) : [];
    const extra = extraColumns(this.description, wanted, table.columns).map((name) => table.columns.indexOf(name));
    const reader = new RowReader({ ...this.shape, ...this.rules });
    for (const [index, line] of table.lines.entries()) {
      if (index % ROWS_PER_ITERATION === ROWS_PER_ITERATION - 1) await nextIteration();
      if (line === '') continue;
      const fields = parseTextRow(line);
      const at = { line: index + 2 };
      const named = `line ${at.line}`;
      if (fields.length !== table.columns.length) {
        const reason = `${fields.length} fields instead of ${table.columns.length}`;
        reader.discarded.push({ row: `table ${this.shape.table}, ${named}`, reason, at });
        continue;
      }
      const raw: Record<string, unknown> = {};
      // The file has bytes already, where a database has text.
      const valueAt = (position: number): string | Buffer => {
        const field = fields[position] as string;
        return NOT_ASCII.test(field) ? Buffer.from(field, 'latin1') : field;
      };
      for (const [name, position] of positions) raw[name] = valueAt(position);
      if (extra.length > 0) raw['extra'] = extra.map(valueAt);
      reader.add(raw as RawRow, named, at.line);
    }
    return reader.result();
  }

  async saveStates(states: readonly StateWrite[]): Promise<void> {
    if (states.length === 0) return;
    if (!this.writable) throw new SwitchyardError('STORE_READONLY', `${this.description}: states are not kept there`);
    const rewritten = this.writing.then(() => this.rewrite(states));
    this.writing = rewritten.catch(() => {});
    await rewritten;
  }

  async close(): Promise<void> {
    await this.writing;
  }

  private async rewrite(states: readonly StateWrite[]): Promise<void> {
    const table = await readTextTable(this.path);
    const positions = this.positions(table);
    const state = positions.get('state');
    if (state === undefined) throw new SwitchyardError('STORE_SCHEMA', `${this.description}: no column state`);
    const wanted = new Map(states.map((write) => [rowKey(write.rowId, write.setId, write.uri), write]));
    const id = positions.get('id');
    const setid = positions.get('setid') as number;
    const destination = positions.get('destination') as number;
    const lines: string[] = [table.header];
    for (const [index, line] of table.lines.entries()) {
      if (index % ROWS_PER_ITERATION === ROWS_PER_ITERATION - 1) await nextIteration();
      const fields = parseTextRow(line);
      const key = rowKey(id === undefined ? undefined : fields[id], fields[setid], fields[destination]);
      const write = fields.length === table.columns.length ? wanted.get(key) : undefined;
      if (write !== undefined) fields[state] = String(stateNumber(write.state));
      lines.push(write === undefined ? line : formatTextRow(fields));
    }
    await replaceFile(this.path, lines.join('\n'));
  }

  private positions(table: TextTable): ReadonlyMap<Field, number> {
    const columns = mapColumns(this.shape, table.columns);
    return new Map([...columns].map(([field, column]) => [field, table.columns.indexOf(column)]));
  }
}

function rowKey(id: number | string | undefined, setid: number | string | undefined, uri: string | undefined): string {
  return `${id ?? ''} ${Number(setid)} ${uri}`;
}

/** A table's version in the folder's version file; undefined when it is not there. */
export async function readTextVersion(folder: string, table: string): Promise<string | undefined> {
  const versions = await readTextTable(join(folder, VERSION_TABLE)).catch((error: SwitchyardError) => {
    if (error.code === 'STORE_UNREACHABLE') return undefined;
    throw error;
  });
  if (versions === undefined) return undefined;
  const name = versions.columns.indexOf('table_name');
  const version = versions.columns.indexOf('table_version');
  const row = versions.lines.map(parseTextRow).find((fields) => fields[name] === table);
  return row?.[version];
}
