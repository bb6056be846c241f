import type { Knex } from 'knex';
import type { PartitionConfig } from '../config/settings.js';
import { SwitchyardError } from '../core/errors.js';
import { nextIteration } from '../core/event-loop.js';
import { flavourKind } from '../engine/flavours.js';
import { faultKind } from './faults.js';
import type { Database } from './pools.js';
import { type ExtraAttribute, type LoadRules, loadRules, type RawRow, RowReader } from './rows.js';
import { updateStates } from './save-states.js';
import type { DestinationStore, StateWrite, StoreLoad } from './store.js';
import {
  type ColumnMap,
  checkVersion,
  extraColumns,
  mapColumns,
  readVersion,
  selection,
  type TableShape,
  versionTableFor,
} from './table.js';

/** Milliseconds one statement may take before the connection is given up. */
const STATEMENT_TIMEOUT = 30_000;
/** Rows validated per event loop iteration: about 2 ms. */
const ROWS_PER_ITERATION = 1000;

/** What of a partition's configuration its store needs. */
export type StoreConfig = Pick<
  PartitionConfig,
  'name' | 'source' | 'dbUrl' | 'tableName' | 'columns' | 'flavour' | 'persistentState'
> &
  Partial<Pick<PartitionConfig, 'compat'>> &
  LoadRules;

/** A dispatcher table in a database reached through knex. Takes over the share of the pool. */
export function createKnexStore(database: Database, config: StoreConfig): DestinationStore {
  return new KnexStore(database, config);
}

class KnexStore implements DestinationStore {
  readonly description: string;
  readonly writable: boolean;
  private readonly shape: TableShape;
  private readonly rules: LoadRules;
  private tidying: Promise<void> | undefined;

  constructor(
    private readonly database: Database,
    config: StoreConfig,
  ) {
    const { tableName: table, flavour, columns, persistentState } = config;
    this.description = `table ${table} of ${database.url.display}`;
    this.writable = persistentState && flavourKind(flavour).hasStateColumn;
    this.rules = loadRules(config);
    this.shape = { description: this.description, table, flavour, columns, persistentState };
  }

  load(): Promise<StoreLoad> {
    // One transaction: an import that is committed meanwhile is seen whole or not at all.
    return this.database.run((knex) =>
      knex.transaction((trx) => this.read(trx), this.database.dialect.readTransaction),
    );
  }

  async saveStates(states: readonly StateWrite[]): Promise<void> {
    if (states.length === 0) return;
    if (!this.writable) throw new SwitchyardError('STORE_READONLY', `${this.description}: states are not kept there`);
    const { shape, database } = this;
    await database.run((knex) =>
      knex.transaction(async (trx) => {
        const columns = mapColumns(shape, await this.columnNames(trx));
        if (!columns.has('state')) throw new SwitchyardError('STORE_SCHEMA', `${shape.description}: no column state`);
        await updateStates(trx, shape.table, columns, states);
      }),
    );
    this.tidying = database.dialect.written?.(database.url);
  }

  async close(): Promise<void> {
    await this.tidying;
    await this.database.release();
  }

  private async read(trx: Knex.Transaction): Promise<StoreLoad> {
    const { shape } = this;
    await this.checkVersion(trx);
    const present = await this.columnNames(trx);
    const columns = mapColumns(shape, present);
    const extra = extraColumns(this.description, this.extraAttrs, present);
    const id = columns.get('id');
    if (id !== undefined && (await hasUsableIds(trx, shape.table, id))) {
      const reader = new RowReader({ ...shape, ...this.rules });
      if (await this.readSlices(trx, columns, extra, id, reader)) return reader.result();
    }
    const reader = new RowReader({ ...shape, ...this.rules });
    await addAll(reader, await select(trx, shape.table, columns, extra), extra.length);
    return reader.result();
  }

  /**
   * Reads by ascending id, a slice at a time. The rows of a slice's last id are left to the next slice: ids of a view
   * need not be unique, and none may be lost or come twice. False where an id is no whole number: two that the database takes for
   * equal (letters of both cases, NaN) may differ here, so that there would be no end to it.
   */
  private async readSlices(
    trx: Knex,
    columns: ColumnMap,
    extra: readonly string[],
    id: string,
    reader: RowReader,
  ): Promise<boolean> {
    let size = this.database.dialect.sliceRows;
    let from: unknown;
    for (;;) {
      const query = select(trx, this.shape.table, columns, extra).orderBy(id).limit(size);
      if (from !== undefined) query.where(id, '>=', from as Knex.Value);
      const slice = await query;
      const last = slice.at(-1)?.id;
      if (slice.length < size) {
        await addAll(reader, slice, extra.length);
        return true;
      }
      if (!slice.every((row) => isWholeNumber(row.id))) return false;
      const kept = slice.findIndex((row) => row.id === last);
      if (kept === 0) {
        // All of it is one id: take more at a time until another one is reached.
        size *= 2;
        continue;
      }
      await addAll(reader, slice.slice(0, kept), extra.length);
      from = last;
    }
  }

  /** Columns that are attributes, where the flavour has such. */
  private get extraAttrs(): readonly ExtraAttribute[] {
    return flavourKind(this.shape.flavour).hasAttributeColumns ? (this.rules.extraAttrs ?? []) : [];
  }

  private async checkVersion(trx: Knex): Promise<void> {
    let version: unknown;
    try {
      version = await readVersion(trx, this.shape.table);
    } catch (cause) {
      if (faultKind(this.database.dialect, cause) !== 'missing' || isNoDatabase(cause)) throw cause;
      const versions = versionTableFor(this.shape.table);
      throw new SwitchyardError(
        'STORE_VERSION',
        `${this.description}: there is no table ${versions} beside it; switchyard db init makes both`,
        { cause },
      );
    }
    checkVersion(this.shape, version);
  }

  private async columnNames(trx: Knex): Promise<string[]> {
    const names = await this.database.dialect.columns(trx, this.shape.table);
    if (names.length === 0) throw new SwitchyardError('STORE_SCHEMA', `${this.description}: no such table`);
    return names;
  }
}

function isNoDatabase(error: unknown): boolean {
  return (error as { code?: string }).code === 'SQLITE_NOTADB';
}

/** A row as selected: fields by their names, columns that are attributes as extra0, extra1 and so on. */
type SelectedRow = RawRow & { readonly [extra: `extra${number}`]: unknown };

function select(
  trx: Knex,
  table: string,
  columns: ColumnMap,
  extra: readonly string[],
): Knex.QueryBuilder<object, SelectedRow[]> {
  const more = Object.fromEntries(extra.map((column, i) => [`extra${i}`, column]));
  const list = { ...selection(columns), ...more };
  return trx(table).select(list).timeout(STATEMENT_TIMEOUT) as Knex.QueryBuilder<object, SelectedRow[]>;
}

/** Ids order the rows only where every row has one. */
async function hasUsableIds(trx: Knex, table: string, id: string): Promise<boolean> {
  const without: unknown = await trx(table).whereNull(id).first(trx.raw('1 as found'));
  return without === undefined;
}

/** A whole number, as it is or as the only digits it is written with: a collation may take "007" and "-7" for "7". */
function isWholeNumber(id: unknown): boolean {
  if (typeof id === 'string') return /^(?:0|[1-9][0-9]{0,39})$/.test(id);
  return typeof id === 'bigint' || Number.isSafeInteger(id);
}

/** `extra`: how many columns are attributes. */
async function addAll(reader: RowReader, rows: readonly SelectedRow[], extra: number): Promise<void> {
  let n = 0;
  for (const row of rows) {
    if (++n % ROWS_PER_ITERATION === 0) await nextIteration();
    reader.add(extra === 0 ? row : { ...row, extra: Array.from({ length: extra }, (_, i) => row[`extra${i}`]) });
  }
  await nextIteration();
}
