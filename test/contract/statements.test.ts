import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parseDatabaseUrl } from '../../src/config/db-url.js';
import { nullLogger } from '../../src/core/logger.js';
import { isSqlUrl } from '../../src/store/dialects.js';
import { DatabasePools } from '../../src/store/pools.js';
import { Statements } from '../../src/store/statements.js';
import { requireMysql, requirePostgres } from '../support/servers.js';
import { executeSqlite } from '../support/sqlite-file.js';

async function checked(address: string): Promise<void> {
  const url = parseDatabaseUrl(address, '/');
  assert.ok(isSqlUrl(url));
  const statements = new Statements(new DatabasePools(nullLogger).open(url));
  const table = `statements_${process.pid}`;
  try {
    assert.deepEqual(
      (await statements.query(`create table ${table} (name varchar(20), note varchar(20), cost int)`)).rows,
      [],
    );
    await statements.insert(table, [
      { name: 'a', note: 'what?', cost: 1 },
      { name: 'b', note: null, cost: 2 },
    ]);
    await statements.query(`insert into ${table} values ('c', 'why?', 3)`);
    assert.deepEqual(await statements.query(`select name, note, cost from ${table} order by name`), {
      columns: ['name', 'note', 'cost'],
      rows: [
        ['a', 'what?', 1],
        ['b', null, 2],
        ['c', 'why?', 3],
      ],
    });
    assert.deepEqual((await statements.query(`select name from ${table} where name = 'x'`)).rows, []);
    assert.deepEqual((await statements.query(`select name from ${table} where note = 'why?'`)).rows, [['c']]);
    const row = (name: string, cost: number) => ({ name, note: null, cost });
    const many = Array.from({ length: 250 }, (_, i) => row(`n${i}`, i));
    await assert.rejects(statements.replace(table, many, -1), { code: 'STORE_FAILED' });
    assert.deepEqual((await statements.query(`select count(*) from ${table}`)).rows.flat().map(Number), [3]);
    await statements.query(
      `create table ${table}_checked (name varchar(20), note varchar(20), cost int check (cost < 240))`,
    );
    await statements.insert(`${table}_checked`, [row('old', 1)]);
    assert.equal(await statements.replace(`${table}_checked`, many, 60_000), 10, 'rows that are refused');
    const found = await statements.query(`select count(*), min(name), max(cost) from ${table}_checked`);
    assert.deepEqual(found.rows.flat().map(String), ['240', 'n0', '239']);
    await statements.query(`drop table ${table}_checked`);
    await assert.rejects(statements.replace('nowhere', many, 60_000), { name: 'SwitchyardError' });
    await assert.rejects(statements.query('select nothing from nowhere'), { name: 'SwitchyardError' });
  } finally {
    await statements.query(`drop table ${table}`);
    await statements.release();
  }
}

const title = 'statements of scripts run as they are written';

test(`${title}: SQLite`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-statements-'));
  executeSqlite(join(folder, 'x.db'), 'create table t (a int)');
  await checked(`sqlite://${join(folder, 'x.db')}`);
  rmSync(folder, { recursive: true, force: true });
});

for (const [name, server] of [
  ['PostgreSQL', requirePostgres],
  ['MariaDB', requireMysql],
] as const) {
  test(`${title}: ${name}`, async (t: TestContext) => {
    const address = await server(t);
    if (address !== undefined) await checked(address);
  });
}
