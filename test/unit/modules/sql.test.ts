import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Statements } from '../../../src/store/statements.js';
import { recordingLog } from '../../support/recording-log.js';
import { linesOf } from '../../support/script-run.js';
import { executeSqlite, selectSqlite } from '../../support/sqlite-file.js';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-sql-'));
const database = join(folder, 'data.db');
executeSqlite(
  database,
  `create table routes (id integer primary key, prefix text, gateway text, cost int);
   insert into routes (prefix, gateway, cost) values ('49', 'gw1', 3), ('49', 'gw2', 5), ('44', 'gw3', null);
   create table calls (callid text, note text)`,
);
after(() => rmSync(folder, { recursive: true, force: true }));

const kamailio = (script: string): Promise<string[]> =>
  linesOf({
    dialect: 'kamailio',
    modules: 'sqlops db_sqlite',
    head: `modparam("sqlops", "sqlcon", "ca=>sqlite://${database}")`,
    script: `${script}\nxlog("end\\n");`,
  });
const opensips = (script: string): Promise<string[]> =>
  linesOf({
    dialect: 'opensips',
    modules: 'sqlops db_sqlite',
    head: `modparam("sqlops", "db_url", "sqlite://${database}")`,
    script: `${script}\nxlog("end\\n");`,
  });

test('sql_query keeps its result for $dbr, and says whether there are rows', async () => {
  const lines = await kamailio(`
    sql_query("ca", "select gateway, cost from routes where prefix='49' order by cost", "ra");
    xlog("$rc $dbr(ra=>rows) $dbr(ra=>cols) $dbr(ra=>colname[1])\\n");
    $var(i) = 0;
    while ($var(i) < $dbr(ra=>rows)) {
      xlog("$dbr(ra=>[$var(i),0]) $dbr(ra=>[$var(i),1])\\n");
      $var(i) = $var(i) + 1;
    }
    sql_query("ca", "select gateway from routes where prefix='1'", "rb"); xlog("$rc\\n");
    sql_query("ca", "select nothing from routes", "rc"); xlog("$rc\\n");
    sql_query("ca", "insert into calls values ('$ci', 'it''s?')"); xlog("$rc\\n");
    sql_query("nix", "select 1", "rd"); xlog("$rc\\n");
    sql_result_free("ra"); xlog("$dbr(ra=>rows)\\n");`);
  assert.deepEqual(lines, ['1 2 2 cost', 'gw1 3', 'gw2 5', '2', '-1', '2', '-1', '0']);
  assert.deepEqual(selectSqlite(database, 'select * from calls'), [{ callid: 'a@a.example', note: "it's?" }]);
});

test('sql_xquery and sql_pvquery write rows to records and variables', async () => {
  const lines = await kamailio(`
    sql_xquery("ca", "select gateway, cost from routes where prefix='49' order by cost", "ra");
    xlog("$rc $xavp(ra=>gateway) $xavp(ra[1]=>gateway) $xavp(ra[1]=>cost)\\n");
    sql_pvquery("ca", "select gateway, cost from routes where prefix='49' order by cost", "$avp(g),$var(c)");
    xlog("$rc $(avp(g)[0]) $(avp(g)[1]) $var(c)\\n");`);
  assert.deepEqual(lines, ['1 gw1 gw2 5', '1 gw1 gw2 3']);
});

test('opensips: columns are put into AVPs, no row gives -2, and a statement is built from its parts', async () => {
  const lines = await opensips(`
    sql_query("select gateway, cost from routes where prefix='49' order by cost", "$avp(g);$avp(c)");
    xlog("$rc $(avp(g)[0]) $(avp(g)[1]) $(avp(c)[1])\\n");
    sql_query("select gateway from routes where prefix='1'", "$avp(x)"); xlog("$rc\\n");
    sql_query("select nothing from routes"); xlog("$rc\\n");
    sql_select_one("[\\"gateway\\"]", "routes", "[{\\"prefix\\": \\"44\\"}]", "", "$var(g)"); xlog("$rc $var(g)\\n");
    sql_insert("calls", "[{\\"callid\\": \\"x\\"}, {\\"note\\": \\"o'k\\"}]"); xlog("$rc\\n");
    sql_update("[{\\"note\\": \\"new\\"}]", "calls", "[{\\"callid\\": \\"x\\"}]"); xlog("$rc\\n");`);
  assert.deepEqual(lines, ['1 gw1 gw2 5', '-2', '-1', '1 gw3', '1', '1']);
  assert.deepEqual(selectSqlite(database, "select note from calls where callid = 'x'"), [{ note: 'new' }]);
});

test('columns and order of a computed selection may be names and aggregate functions only', async () => {
  const lines = await opensips(`
    $var(c) = "[\\"max(cost) as most\\", \\"count(*)\\"]";
    sql_select_one($var(c), "routes", "", "", "$var(m);$var(n)"); xlog("$rc $var(m)\\n");
    $var(c) = "[\\"note from calls; drop table calls; --\\"]";
    sql_select($var(c), "routes", "", "", "$avp(x)"); xlog("$rc\\n");
    $var(o) = "cost desc, gateway";
    sql_select_one("[\\"gateway\\"]", "routes", "", $var(o), "$var(g)"); xlog("$rc\\n");
    $var(o) = "cost limit 1 union select note from calls";
    sql_select("[\\"gateway\\"]", "routes", "", $var(o), "$avp(x)"); xlog("$rc\\n");`);
  assert.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    ['1', '-1', '1', '-1'],
  );
});

test('text of a peer cannot leave its quotes: MySQL also takes backslashes for escapes', () => {
  const quoted = (kind: string, value: string | number | null) =>
    new Statements({ url: { kind } } as unknown as ConstructorParameters<typeof Statements>[0]).quoted(value);
  assert.equal(quoted('mysql', "\\' or 1=1 -- \0"), "'\\\\'' or 1=1 -- '");
  assert.equal(quoted('postgres', "\\' or 1=1"), "'\\'' or 1=1'");
  assert.equal(quoted('sqlite', 5), '5');
  assert.equal(quoted('sqlite', null), 'NULL');
});

test('text that is not ASCII is written as it was read', async () => {
  await opensips("sql_query(\"insert into calls values ('utf8', '\xc3\xa9t\xc3\xa9')\");");
  assert.deepEqual(selectSqlite(database, "select note from calls where callid = 'utf8'"), [{ note: 'été' }]);
});

test('functions of exec run no program', async () => {
  const lines = await linesOf({
    dialect: 'opensips',
    modules: 'exec',
    script: 'exec("touch /tmp/never", "", $var(o)); xlog("$rc $var(o)\\n"); xlog("end\\n");',
  });
  assert.deepEqual(lines, ['-1 <null>']);
});

test('the log line of a query that fails has no literals of the statement', async () => {
  const { log, lines } = recordingLog();
  const head = `modparam("sqlops", "sqlcon", "ca=>sqlite://${database}")`;
  const script = `
    sql_query("ca", "select * from 's3cret' where a = 'it''s s3cret' and b = \\"s3cret\\" and c = 's3cret", "r");
    sql_query("ca", "select * from missing where a = 's3cret'", "r");
    xlog("end\n");`;
  await linesOf({ dialect: 'kamailio', modules: 'sqlops db_sqlite', head, script, log });
  const said = lines.filter(({ message }) => message === 'script: a query failed');
  assert.equal(said.length, 2);
  assert.doesNotMatch(JSON.stringify(lines), /s3cret/);
  assert.match(JSON.stringify(said[1]), /no such table: missing.*select \* from missing where a = \?/);
});
