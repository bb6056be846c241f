import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { linesOf } from '../../support/script-run.js';
import { executeSqlite } from '../../support/sqlite-file.js';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-blacklist-'));
const database = join(folder, 'data.db');
executeSqlite(
  database,
  `create table userblacklist (id integer primary key, username text, domain text, prefix text, whitelist int default 0);
   insert into userblacklist (username, domain, prefix, whitelist) values
     ('alice', 'a.example', '49', 0), ('alice', 'a.example', '4930', 1), ('alice', 'x.example', '33', 0), ('o''neil', '', '1', 0);
   create table globalblacklist (id integer primary key, prefix text, whitelist int default 0, description text);
   insert into globalblacklist (prefix, whitelist) values ('', 0), ('1', 1), ('1900', 0);`,
);
after(() => rmSync(folder, { recursive: true, force: true }));

const run = (script: string, head = ''): Promise<string[]> =>
  linesOf({
    dialect: 'opensips',
    modules: 'db_sqlite userblacklist',
    head: `db_default_url="sqlite://${database}"\n${head}`,
    script: `${script}\nxlog("end\\n");`,
  });

const each = (calls: readonly string[]): string => calls.map((call) => `${call}; xlog("$rc\\n");`).join('\n');

test('the longest prefix of a user decides whether it may call a number', async () => {
  const calls = [
    'check_user_blacklist("$fU", "$fd", "4989123")',
    'check_user_blacklist("$fU", "$fd", "493012")',
    'check_user_blacklist("$fU", "$fd", "+4989")',
    'check_user_blacklist("$fU", "$fd", "44")',
    'check_user_blacklist("nobody", "$fd", "49")',
    `check_user_blacklist("o'neil", "", "12")`,
    'check_user_blacklist("$fU", "$fd", "33")',
    'check_user_blacklist("$fU", "$fd", "44", "no_such_table")',
    `check_user_blacklist("$fU", "$fd", "49' OR '1'='1")`,
  ];
  assert.deepEqual(await run(each(calls)), ['-1', '1', '-1', '1', '1', '-1', '-1', '-1', '-1']);
  const withDomain = await run(
    each(['check_user_blacklist("$fU", "$fd", "33")', '$rU = "4989"; check_user_blacklist("$fU", "$fd")']),
    'modparam("userblacklist", "use_domain", 1)',
  );
  assert.deepEqual(withDomain, ['1', '-1']);
});

test('the global list is asked for the user of the request-URI', async () => {
  const numbers = ['1555', '19005', '44', 'bob'];
  const script = numbers.map((number) => `$rU = "${number}"; check_blacklist("globalblacklist"); xlog("$rc\\n");`);
  assert.deepEqual(await run(script.join('\n')), ['1', '-1', '-1', '-1']);
});
