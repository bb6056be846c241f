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

/** Milliseconds a statement may take before its connection is given up. */
const STATEMENT_TIMEOUT = 30_000;
/**
 * Bytes of a value that are read. More than any column of the schema holds; texts have a bound of their own below it.
 */
const MAX_VALUE = 65_536;
/** Rows validated per event loop iteration: about 2 ms. */
const ROWS_PER_ITERATION = 1000;

/** The part of a partition's configuration that its store needs. */
export type StoreConfig = Pick<
  PartitionConfig,
  'name' | 'source' | 'dbUrl' | 'tableName' | 'columns' | 'flavour' | 'persistentState'
> &
  Partial<Pick<PartitionConfig, 'compat'>> &
  LoadRules;

/**
 * Creates the store for a dispatcher table in a database accessed with knex; it releases the share of the pool when
 * closed.
 */
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
    // One transaction, so that an import committed meanwhile is seen completely or not at all.
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
    await addAll(reader, await select(trx, shape.table, columns, extra, this.database.dialect.valueSize), extra.length);
    return reader.result();
  }

  /**
   * Reads the rows in slices by ascending ID. The rows with the last ID of a slice are left to the next one: in a view
   * several rows may have the same ID, and each must be read exactly once. Returns false when an ID is not an integer:
   * the database may consider two values equal that differ here (upper and lower case, NaN), and reading would never
   * end.
   */
  private async readSlices(
    trx: Knex,
    columns: ColumnMap,
    extra: readonly string[],
    id: string,
    reader: RowReader,
  ): Promise<boolean> {
    const { sliceRows, valueSize } = this.database.dialect;
    let size = sliceRows;
    let from: unknown;
    for (;;) {
      // Ordered by the column: "id" alone would be the selected expression, which has no index.
      const query = select(trx, this.shape.table, columns, extra, valueSize)
        .orderBy(`${this.shape.table}.${id}`)
        .limit(size);
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
        // The whole slice has one ID: enlarges the slice until another ID follows.
        size *= 2;
        continue;
      }
      await addAll(reader, slice.slice(0, kept), extra.length);
      from = last;
    }
  }

  /** Columns that are read as attributes, if the flavour has such. */
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

/**
 * A selected row: fields by name, columns read as attributes as extra0, extra1 and so on, and the name of a column
 * whose value was not read.
 */
type SelectedRow = RawRow & { readonly [extra: `extra${number}`]: unknown; readonly too_large: unknown };

function select(
  trx: Knex,
  table: string,
  columns: ColumnMap,
  extra: readonly string[],
  valueSize: string,
): Knex.QueryBuilder<object, SelectedRow[]> {
  const named = [...Object.entries(selection(columns)), ...extra.map((column, i) => [`extra${i}`, column] as const)];
  // One value of a gigabyte would take the memory of all partitions: it is left in the database.
  const max = MAX_VALUE;
  const list = named.map(([name, column]) =>
    trx.raw(`case when (${valueSize}) > :max then null else :column: end as :name:`, { column, max, name }),
  );
  const names = named.map(([, column]) =>
    trx.raw(`when (${valueSize}) > :max then :text`, { column, max, text: column }),
  );
  const large = trx.raw(`case ${names.map(() => '?').join(' ')} end as too_large`, names);
  return trx<object, SelectedRow[]>(table)
    .select<SelectedRow[]>([...list, large])
    .timeout(STATEMENT_TIMEOUT);
}

/** IDs can order the rows only if every row has one. */
async function hasUsableIds(trx: Knex, table: string, id: string): Promise<boolean> {
  const without: unknown = await trx(table).whereNull(id).first(trx.raw('1 as found'));
  return without === undefined;
}

/** Whether an ID is an integer in its only spelling: a collation may consider "007" equal to "7". */
function isWholeNumber(id: unknown): boolean {
  if (typeof id === 'string') return /^(?:0|[1-9][0-9]{0,39})$/.test(id);
  return typeof id === 'bigint' || Number.isSafeInteger(id);
}

/** `extra`: number of columns read as attributes. */
async function addAll(reader: RowReader, rows: readonly SelectedRow[], extra: number): Promise<void> {
  let n = 0;
  for (const row of rows) {
    if (++n % ROWS_PER_ITERATION === 0) await nextIteration();
    const large = typeof row.too_large === 'string' ? row.too_large : undefined;
    if (large !== undefined) reader.leaveOut(row, large, `${large} is larger than ${MAX_VALUE} bytes`);
    else reader.add(extra === 0 ? row : { ...row, extra: Array.from({ length: extra }, (_, i) => row[`extra${i}`]) });
  }
  await nextIteration();
}
