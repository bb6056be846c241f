import type { Knex } from 'knex';
import { SwitchyardError } from '../core/errors.js';
import type { Database } from './pools.js';

/** A value of a column as scripts see it. */
export type ColumnValue = string | number | null;

/** What a statement gave. */
export interface StatementResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly ColumnValue[])[];
}

/** Rows of one result that are kept, and characters of one value. */
const MOST_ROWS = 10_000;
const MOST_CHARACTERS = 65_536;
/** Statements of one database under way at once; further ones fail, so that a slow database does not fill the memory. */
const MOST_WAITING = 200;

/** Runs statements of scripts as they are written, over the pool of a database. Takes over the share of the pool. */
export class Statements {
  private waiting = 0;

  constructor(private readonly database: Database) {}

  /** Throws SwitchyardError STORE_*. */
  query(statement: string): Promise<StatementResult> {
    const text = escaped(ofScript(statement), this.database.url.kind);
    return this.bounded(async (knex) => resultOf(await knex.raw(text)));
  }

  /** A value as it is written in a statement of this database. MySQL takes backslashes within quotes for escapes. */
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

  /** Gives the share of the pool back; the last one closes it. */
  async release(): Promise<void> {
    await this.database.release();
  }

  private async bounded<T>(work: (knex: Knex) => Promise<T>): Promise<T> {
    if (this.waiting >= MOST_WAITING) {
      const message = `${this.database.url.display}: ${this.waiting} statements of scripts wait already`;
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

/** Text of a script has one character a byte; what is no UTF-8 stays as it is. */
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

/** knex takes a question mark for the place of a value; where it looks for them, they are escaped. */
function escaped(statement: string, kind: string): string {
  return kind === 'postgres' ? statement.replaceAll('?', '\\?') : statement;
}

/** The drivers answer in different shapes: [rows, fields], {rows, fields}, rows. */
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
    rows: list.slice(0, MOST_ROWS).map((row) => columns.map((name) => columnValue(row[name]))),
  };
}

function isRow(value: unknown): boolean {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** Text is latin1 in scripts, one character a byte. */
function columnValue(value: unknown): ColumnValue {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'boolean') return Number(value);
  const bytes =
    value instanceof Uint8Array
      ? Buffer.from(value)
      : Buffer.from(value instanceof Date ? timeOf(value) : String(value), 'utf8');
  return bytes.toString('latin1').slice(0, MOST_CHARACTERS);
}

function timeOf(date: Date): string {
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19).replace('T', ' ');
}
