import type { PvarValue } from '../pvar/context.js';

/** What a query gave. */
export interface SqlResult {
  readonly columns: readonly string[];
  /** Rows in order, at most as many as the service reads; values are text, numbers or null. */
  readonly rows: readonly (readonly PvarValue[])[];
}

/** One database a script uses. Every operation ends within a bounded time. */
export interface SqlDatabase {
  /** Runs a statement as it is written. Rejects with SwitchyardError STORE_*. */
  query(statement: string): Promise<SqlResult>;
  /** Adds rows to a table; all of them have the same columns. Rejects with SwitchyardError STORE_*. */
  insert(table: string, rows: readonly Readonly<Record<string, PvarValue>>[]): Promise<void>;
}

/** What modules reach outside the process by. */
export interface ScriptServices {
  /** The database of a URL as cfg files write it; nothing is connected yet. Throws SwitchyardError for a URL that cannot be used. */
  database(url: string): SqlDatabase;
  /** Publishes on "<prefix>.calls.<partition>.<kind>". False where records are not published. */
  publish(partition: string, kind: string, text: string): boolean;
  /** Whether this node is the active one of a sharing tag; undefined for an unknown one, and without a cluster. */
  sharingTag(name: string): 'active' | 'backup' | undefined;
}

/** For scripts without a daemon: no database, nothing published. */
export const NO_SERVICES: ScriptServices = {
  database() {
    throw new Error('there is no database here');
  },
  publish: () => false,
  sharingTag: () => undefined,
};
