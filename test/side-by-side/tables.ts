import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lane } from '../support/side-by-side.js';
import { executeSqlite } from '../support/sqlite-file.js';

/** Writes a file beside the cfg file; a gateway's name followed by "_PORT" is replaced by its port. */
export function writeList(folder: string, lane: Lane, name: string, lines: readonly string[]): void {
  writeFileSync(join(folder, name), lane.named(`${lines.join('\n')}\n`));
}

/** Makes SQLite tables in kamailio.sqlite. */
export function sqliteTables(folder: string, lane: Lane, statements: readonly string[]): void {
  executeSqlite(
    join(folder, 'kamailio.sqlite'),
    lane.named(
      [
        'CREATE TABLE version (table_name TEXT, table_version INTEGER)',
        `INSERT INTO version VALUES ${Object.entries(VERSIONS)
          .map(([name, version]) => `('${name}', ${version})`)
          .join(', ')}`,
        ...statements,
      ].join(';\n'),
    ),
  );
}

const VERSIONS = {
  dispatcher: 4,
  address: 6,
  trusted: 6,
  dialplan: 2,
  acc: 5,
  missed_calls: 4,
  acc_cdrs: 2,
  htable: 2,
  usr_preferences: 2,
  location: 9,
  subscriber: 7,
  domain: 2,
  domain_attrs: 1,
  pl_pipes: 1,
  dbaliases: 1,
  speed_dial: 2,
  sipusers: 7,
};

export const DISPATCHER =
  "CREATE TABLE dispatcher (id INTEGER PRIMARY KEY, setid INTEGER, destination TEXT, flags INTEGER DEFAULT 0, priority INTEGER DEFAULT 0, attrs TEXT DEFAULT '', description TEXT DEFAULT '')";
export const ADDRESS =
  'CREATE TABLE address (id INTEGER PRIMARY KEY, grp INTEGER, ip_addr TEXT, mask INTEGER, port INTEGER, tag TEXT)';
export const TRUSTED =
  'CREATE TABLE trusted (id INTEGER PRIMARY KEY, src_ip TEXT, proto TEXT, from_pattern TEXT, ruri_pattern TEXT, tag TEXT, priority INTEGER)';
export const DIALPLAN =
  'CREATE TABLE dialplan (id INTEGER PRIMARY KEY, dpid INTEGER, pr INTEGER, match_op INTEGER, match_exp TEXT, match_len INTEGER, subst_exp TEXT, repl_exp TEXT, attrs TEXT)';

/** Makes a table of htable. */
export const hashTable = (name: string): string =>
  `CREATE TABLE ${name} (id INTEGER PRIMARY KEY, key_name TEXT, key_type INTEGER DEFAULT 0, value_type INTEGER DEFAULT 0, key_value TEXT, expires INTEGER DEFAULT 0)`;

/** Tables of topos, which the original keeps in text files. */
export function toposTables(folder: string): void {
  const texts = (names: string) =>
    names
      .split(' ')
      .map((name) => `${name}(string,null)`)
      .join(' ');
  const both = texts(
    'a_contact b_contact as_contact bs_contact a_tag b_tag s_rr a_srcaddr b_srcaddr a_socket b_socket',
  );
  const first = 'id(int,auto) rectime(int)';
  const keys = texts('x_context s_method s_cseq a_callid a_uuid b_uuid');
  mkdirSync(join(folder, 'topos'));
  const table = (name: string, text: string) => writeFileSync(join(folder, 'topos', name), text);
  table('version', 'table_name(string) table_version(int)\ntopos_d:1\ntopos_t:1\n');
  table('topos_d', `${first} ${keys} ${both} ${texts('a_rr b_rr a_uri b_uri r_uri')} iflags(int)\n`);
  table('topos_t', `${first} ${keys} ${both} ${texts('x_via x_vbranch x_rr y_rr x_uri x_tag')} direction(int)\n`);
}

/** Makes the table of usrloc. */
export const LOCATION = `CREATE TABLE location (id INTEGER PRIMARY KEY, ruid VARCHAR(128), username VARCHAR(128), domain VARCHAR(128), contact VARCHAR(128), received VARCHAR(128), path VARCHAR(128), expires VARCHAR(128), q REAL, callid VARCHAR(128), cseq INTEGER,
    last_modified VARCHAR(128), flags INTEGER, cflags INTEGER, user_agent VARCHAR(128), socket VARCHAR(128), methods INTEGER, instance VARCHAR(128), reg_id INTEGER, server_id INTEGER, connection_id INTEGER, keepalive INTEGER, partition INTEGER)`;
