import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { INVITE, type ScriptRunner, startScript } from '../../support/script-run.js';
import { executeSqlite } from '../../support/sqlite-file.js';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-sql-cacher-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const database = join(folder, 'data.db');
executeSqlite(
  database,
  `CREATE TABLE customers (tag TEXT, name TEXT, calls INT, note TEXT);
   INSERT INTO customers VALUES ('a', 'Acme', 5, NULL), ('b:1', 'Bar', 7, 'x');`,
);

const TABLE = (more = '') => `modparam("sql_cacher", "cache_table", "id=cust
    db_url=sqlite://${database}
    cachedb_url=local:///
    table=customers
    key=tag
    columns=name calls note${more}")\n`;

function start(head: string, script: string): ScriptRunner {
  return startScript({ dialect: 'opensips', modules: 'db_sqlite cachedb_local sql_cacher', head, script });
}

const SHOW =
  'xlog("$sql_cached_value(cust:name:$var(k)) $sql_cached_value(cust:calls:$var(k)) $sql_cached_value(cust:note:$var(k))\\n");';

test('values of a kept table are read by id, column and key; MI reads the table again', async () => {
  const { daemon, receive, lines, stop } = start(
    TABLE(),
    `$var(k) = "a"; ${SHOW} $var(k) = "b:1"; ${SHOW} $var(k) = "none"; ${SHOW}
     xlog("$sql_cached_value(x:name:a) $sql_cached_value(cust:tag:a) $sql_cached_value(cust:name)\\n");
     $var(n) = sql_cache_dump("cust", "name, calls", "$avp(name),$avp(calls)"); xlog("$var(n) $(avp(name)[*]) $(avp(calls)[1])\\n");
     sql_cache_dump("gone", "name", "$avp(x)"); xlog("$rc\\n");`,
  );
  try {
    await daemon.mi.execute('sql_cacher_reload', { id: 'cust' });
    receive(INVITE);
    assert.deepEqual(lines, [
      'Acme 5 <null>',
      'Bar 7 x',
      '<null> <null> <null>',
      '<null> <null> <null>',
      '2 Acme, Bar 7',
      '-1',
    ]);
    await assert.rejects(async () => daemon.mi.execute('sql_cacher_reload', { id: 'x' }), /no cache "x"/);
  } finally {
    await stop();
  }
});

test('faults of a definition refuse the file', async () => {
  for (const [head, fault] of [
    ['modparam("sql_cacher", "cache_table", "id=x")', /db_url is missing/],
    ['modparam("sql_cacher", "cache_table", "id=x\ncolour=1")', /"colour" is none of/],
    [`modparam("sql_cacher", "pvar_delimiter", "::")${TABLE()}`, /pvar_delimiter must be a single character/],
    [TABLE('\non_demand=1\nexpire=soon'), /expire must be a number of seconds/],
  ] as const)
    await assert.rejects(async () => start(head, 'exit;').stop(), fault, head);
});
