import { rmSync } from 'node:fs';
import Database from 'libsql';

/** Rows of the tables used by recorded scripts. */
export interface TableRows {
  readonly dispatcher: readonly {
    readonly set: number;
    readonly uri: string;
    readonly weight?: number | string;
    readonly priority?: number;
    readonly state?: number;
    readonly attrs?: string;
    readonly socket?: string | null;
  }[];
  readonly address: readonly {
    readonly grp: number;
    readonly ip: string;
    readonly mask: number;
    readonly port: number;
    readonly proto: string;
    readonly pattern: string | null;
    readonly context_info: string | null;
  }[];
  readonly domain: readonly { readonly domain: string; readonly attrs: string | null }[];
}

/** Writes them into an SQLite file, in OpenSIPS's table definitions. */
export async function createTables(file: string, rows: TableRows): Promise<void> {
  // A failed case is tried again.
  rmSync(file, { force: true });
  const db = new Database(file);
  try {
    db.exec(`
      PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
      CREATE TABLE version (table_name CHAR(32) NOT NULL, table_version INTEGER NOT NULL);
      INSERT INTO version VALUES ('dispatcher', 9), ('address', 5), ('domain', 4), ('dialplan', 5);
      CREATE TABLE dispatcher (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, setid INTEGER DEFAULT 0 NOT NULL,
        destination CHAR(192) DEFAULT '' NOT NULL, socket CHAR(128) DEFAULT NULL, state INTEGER DEFAULT 0 NOT NULL,
        probe_mode INTEGER DEFAULT 0 NOT NULL, weight CHAR(64) DEFAULT 1 NOT NULL, priority INTEGER DEFAULT 0 NOT NULL,
        attrs CHAR(128) DEFAULT NULL, description CHAR(64) DEFAULT NULL);
      CREATE TABLE address (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, grp SMALLINT(5) DEFAULT 0 NOT NULL,
        ip CHAR(50) NOT NULL, mask TINYINT DEFAULT 32 NOT NULL, port SMALLINT(5) DEFAULT 0 NOT NULL,
        proto CHAR(4) DEFAULT 'any' NOT NULL, pattern CHAR(64) DEFAULT NULL, context_info CHAR(32) DEFAULT NULL);
      CREATE TABLE domain (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, domain CHAR(64) DEFAULT '' NOT NULL,
        attrs CHAR(255) DEFAULT NULL, accept_subdomain INTEGER DEFAULT 0 NOT NULL, last_modified DATETIME);
      CREATE TABLE dialplan (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, dpid INTEGER, pr INTEGER DEFAULT 0,
        match_op INTEGER, match_exp CHAR(64), match_flags INTEGER DEFAULT 0, subst_exp CHAR(64), repl_exp CHAR(32),
        timerec CHAR(255), disabled INTEGER DEFAULT 0, attrs CHAR(255));
    `);
    const destination = db.prepare(
      'INSERT INTO dispatcher (setid, destination, socket, state, weight, priority, attrs) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    for (const row of rows.dispatcher) {
      const { set, uri, socket, state, weight, priority, attrs } = row;
      destination.run(set, uri, socket ?? null, state ?? 0, String(weight ?? 1), priority ?? 0, attrs ?? '');
    }
    const address = db.prepare(
      'INSERT INTO address (grp, ip, mask, port, proto, pattern, context_info) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    for (const { grp, ip, mask, port, proto, pattern, context_info } of rows.address) {
      address.run(grp, ip, mask, port, proto, pattern, context_info);
    }
    const domain = db.prepare('INSERT INTO domain (domain, attrs) VALUES (?, ?)');
    for (const each of rows.domain) domain.run(each.domain, each.attrs);
  } finally {
    db.close();
  }
}
