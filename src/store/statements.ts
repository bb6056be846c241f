import type { Knex } from 'knex';
import { SwitchyardError } from '../core/errors.js';
import { faultKind } from './faults.js';
import type { Database } from './pools.js';

/** A value of a column as scripts see it. */
export type ColumnValue = string | number | null;

/** The result of a statement. */
export interface StatementResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly ColumnValue[])[];
}

/** The most rows kept of one result, and the most characters of one value. */
const MAX_ROWS = 10_000;
const MAX_CHARACTERS = 65_536;
/** Number of rows that one statement adds when a table is replaced. */
const ROWS_AT_ONCE = 100;
/**
 * The most statements in progress on one database; further ones fail, so that a slow database does not fill the memory.
 */
const MAX_WAITING = 200;

/**
 * Runs SQL statements of scripts over the connection pool of a database. Owns the `Database` it is given and releases
 * it.
 */
export class Statements {
  private waiting = 0;

  constructor(private readonly database: Database) {}

  /** Throws SwitchyardError STORE_*. */
  query(statement: string): Promise<StatementResult> {
    const text = escaped(ofScript(statement), this.database.url.kind);
    return this.bounded(async (knex) => resultOf(await knex.raw(text)));
  }

  /** A value as an SQL literal of this database. MySQL takes backslashes within quotes as escapes. */
  quoted(value: ColumnValue): string {
    if (value === null) return 'NULL';
    if (typeof value === 'number') return String(value);
    const text = value.replaceAll('\0', '').replaceAll("'", "''");
    return `'${this.database.url.kind === 'mysql' ? text.replaceAll('\\', '\\\\') : text}'`;
  }

  /** Adds rows, all with the same columns. Throws SwitchyardError STORE_*. */
  async insert(table: string, rows: readonly Readonly<Record<string, ColumnValue>>[]): Promise<void> {
    await this.bounded(async (knex) => {
      await knex(table).insert(rows.map(rowOfScript));
    });
  }

  /**
   * Replaces all rows of a table in one transaction, without the rows that the database refuses; returns their number.
   * A transaction that takes longer than `limitMs` is rolled back. Throws SwitchyardError STORE_*.
   */
  async replace(
    table: string,
    rows: readonly Readonly<Record<string, ColumnValue>>[],
    limitMs: number,
  ): Promise<number> {
    const end = performance.now() + limitMs;
    const { url, dialect } = this.database;
    const inTime = (): void => {
      if (performance.now() <= end) return;
      const message = `${url.display}: ${rows.length} rows cannot be written within ${limitMs} ms`;
      throw new SwitchyardError('STORE_FAILED', message, { retryable: true });
    };
    /**
     * Adds rows; when the database refuses a statement, each half of it is tried. A savepoint undoes the refused
     * statement alone.
     */
    const add = async (
      outer: Knex.Transaction,
      some: readonly Readonly<Record<string, ColumnValue>>[],
    ): Promise<number> => {
      inTime();
      try {
        await outer.transaction((inner) => inner(table).insert(some.map(rowOfScript)));
        return 0;
      } catch (error) {
        if (error instanceof SwitchyardError || faultKind(dialect, error) !== 'other') throw error;
        if (some.length === 1) return 1;
        const half = some.length >> 1;
        return (await add(outer, some.slice(0, half))) + (await add(outer, some.slice(half)));
      }
    };
    return this.bounded((knex) => {
      inTime();
      return knex.transaction(async (transaction) => {
        await transaction(table).delete();
        let refused = 0;
        for (let i = 0; i < rows.length; i += ROWS_AT_ONCE)
          refused += await add(transaction, rows.slice(i, i + ROWS_AT_ONCE));
        inTime();
        return refused;
      });
    });
  }

  /** Releases the pool; its last user closes it. */
  async release(): Promise<void> {
    await this.database.release();
  }

  private async bounded<T>(work: (knex: Knex) => Promise<T>): Promise<T> {
    if (this.waiting >= MAX_WAITING) {
      const message = `${this.database.url.display}: ${this.waiting} statements of scripts are in progress already`;
      throw new SwitchyardError('STORE_FAILED', message, { retryable: true });
    }
    this.waiting++;
    try {
      return await this.database.run(work);
    } finally {
      this.waiting--;
    }
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Decodes text of a script, which has one character per byte, as UTF-8; text that is not UTF-8 stays as it is. */
function ofScript(text: string): string {
  if (!/[\x80-\xff]/.test(text)) return text;
  try {
    return UTF8.decode(Buffer.from(text, 'latin1'));
  } catch {
    return text;
  }
}

function rowOfScript(row: Readonly<Record<string, ColumnValue>>): Record<string, ColumnValue> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, typeof value === 'string' ? ofScript(value) : value]),
  );
}

/** Escapes question marks, which knex takes as placeholders of values with PostgreSQL. */
function escaped(statement: string, kind: string): string {
  return kind === 'postgres' ? statement.replaceAll('?', '\\?') : statement;
}

/** Reads what a driver returned, in one of three shapes: [rows, fields], {rows, fields}, rows. */
function resultOf(raw: unknown): StatementResult {
  let rows: unknown = raw;
  let fields: readonly { readonly name: string }[] | undefined;
  if (Array.isArray(raw) && raw.length === 2 && (Array.isArray(raw[1]) || raw[1] === undefined) && !isRow(raw[1])) {
    [rows, fields] = raw as [unknown, typeof fields];
  } else if (raw !== null && typeof raw === 'object' && 'rows' in raw) {
    ({ rows, fields } = raw as { rows: unknown; fields?: typeof fields });
  }
  if (!Array.isArray(rows)) return { columns: [], rows: [] };
  const list = rows as Record<string, unknown>[];
  const columns = fields?.map(({ name }) => name) ?? Object.keys(list[0] ?? {});
  return {
    columns,
    rows: list.slice(0, MAX_ROWS).map((row) => columns.map((name) => columnValue(row[name]))),
  };
}

function isRow(value: unknown): boolean {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** A value as scripts see it: text has one character per byte (latin1). */
function columnValue(value: unknown): ColumnValue {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'boolean') return Number(value);
  const bytes =
    value instanceof Uint8Array
      ? Buffer.from(value)
      : Buffer.from(value instanceof Date ? timeOf(value) : String(value), 'utf8');
  return bytes.toString('latin1').slice(0, MAX_CHARACTERS);
}

function timeOf(date: Date): string {
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19).replace('T', ' ');
}
