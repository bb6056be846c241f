import Database from 'libsql';

/** Runs a statement on an SQLite file, which is made if it does not exist. */
export function executeSqlite(path: string, statement: string): void {
  const database = new Database(path);
  try {
    database.exec(statement);
  } finally {
    database.close();
  }
}

/** The rows of a query. */
export function selectSqlite(path: string, query: string): Record<string, unknown>[] {
  const database = new Database(path);
  try {
    return database.prepare(query).all() as Record<string, unknown>[];
  } finally {
    database.close();
  }
}
