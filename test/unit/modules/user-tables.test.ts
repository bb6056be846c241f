import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { linesOf } from '../../support/script-run.js';
import { executeSqlite, selectSqlite } from '../../support/sqlite-file.js';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-users-'));
const database = join(folder, 'data.db');
executeSqlite(
  database,
  `create table usr_preferences (id integer primary key, uuid text default '', username text default '', domain text default '', attribute text, type int default 0, value text);
   insert into usr_preferences (username, domain, attribute, type, value) values ('alice', 'a.example', 'limit', 2, '5'), ('alice', 'x.example', 'fwd', 0, 'sip:m@x'),
     ('alice', 'a.example', 'fwd', 0, 'sip:n@x'), ('carl', 'a.example', 'limit', 2, '9');
   insert into usr_preferences (uuid, attribute, value) values ('u-1', 'plan', 'gold');
   create table numbers (username text, number text);
   insert into numbers values ('alice', '4930');
   create table dbaliases (alias_username text, alias_domain text, username text, domain text);
   insert into dbaliases values ('bob', 'sw.example', 'robert', 'home.example'), ('o''neil', 'sw.example', 'neil', 'home.example'), ('bob', 'other', 'bad', 'bad');
   create table grp (username text, domain text, grp text);
   insert into grp values ('alice', 'a.example', 'international');
   create table re_grp (reg_exp text, group_id int);
   insert into re_grp values ('^sip:a.*@a[.]example$', 4), ('(broken', 5), ('^sip:b', 6), ('example$', 7);
   create table re_many (reg_exp text, group_id int);
   with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000)
     insert into re_many select '^sip:[+]49' || i || '[0-9]{1,8}@', i from n;
   update re_many set reg_exp = '^sip:alice@' where group_id = 2000;
   create table speed_dial (username text, domain text, sd_username text, sd_domain text, new_uri text, fname text, lname text);
   insert into speed_dial values ('alice', 'a.example', 'bob', 'sw.example', 'sip:real@far.example', '', '');`,
);
after(() => rmSync(folder, { recursive: true, force: true }));

const run = (dialect: 'opensips' | 'kamailio', script: string, head = ''): Promise<string[]> =>
  linesOf({
    dialect,
    modules: `avpops alias_db group speeddial db_sqlite ${dialect === 'opensips' ? 'sqlops' : ''}`,
    head: `${
      dialect === 'opensips'
        ? `db_default_url="sqlite://${database}"`
        : `modparam("avpops|alias_db|speeddial", "db_url", "sqlite://${database}")\nmodparam("avpops", "avp_table", "usr_preferences")`
    }\n${head}`,
    script: `${script}\nxlog("end\\n");`,
  });

for (const dialect of ['opensips', 'kamailio'] as const) {
  test(`${dialect}: attributes of a user become AVPs, numbers as numbers, the last row on top`, async () => {
    assert.deepEqual(
      await run(
        dialect,
        `avp_db_load("$fu", "$avp(limit)"); xlog("$rc $avp(limit)\\n"); if ($avp(limit) < 6) xlog("number\\n");
         avp_db_load("$fu/username", "*"); xlog("$rc $avp(fwd)\\n");
         avp_db_load("$fu/domain", "$avp(plan)"); xlog("$rc\\n");
         avp_db_load("u-1/uuid", "$avp(plan)/usr_preferences"); xlog("$rc $avp(plan)\\n");`,
      ),
      ['1 5', 'number', '1 sip:n@x', '-1', '1 gold'],
    );
  });
}

test('with use_domain the domain is compared too; a db_scheme names another table', async () => {
  assert.deepEqual(
    await run(
      'opensips',
      `avp_db_load("$fu", "$avp(fwd)"); xlog("$rc $(avp(fwd)[*])\\n");
       avp_db_load("$fu/username", "$avp(num)/$numbers"); xlog("$rc $avp(num)\\n"); if ($avp(num) == 4930) xlog("number\\n");
       sql_avp_load("$fu/username", "$avp(limit)"); xlog("$rc $avp(limit)\\n");`,
      'modparam("avpops", "use_domain", 1)\nmodparam("avpops", "db_scheme", "numbers: table=numbers; value_col=number; value_type=integer")',
    ),
    ['1 sip:n@x', '1 4930', 'number', '1 5'],
  );
});

test('the third argument of avp_db_load() is the number of a connection, the fourth a prefix of the names', async () => {
  assert.deepEqual(
    await run(
      'opensips',
      `avp_db_load("$fu/username", "$avp(limit)", 2, "caller_"); xlog("$rc $avp(caller_limit) $avp(limit)\n");
       avp_db_load("$fu/username", "*", , "all_"); xlog("$rc $avp(all_fwd) $avp(fwd)\n");
       avp_db_load("$fu/username", "$avp(limit)", 3); xlog("$rc\n");
       avp_db_query("select 7", "$avp(seven)", 2); xlog("$rc $avp(seven)\n");`,
      `modparam("avpops", "db_url", "sqlite://${database}")
modparam("avpops", "db_url", "2 sqlite://${database}")`,
    ),
    ['1 5 <null>', '1 sip:n@x <null>', '-1', '1 7'],
  );
});

test('AVPs are stored and deleted; text of a peer is not part of the SQL statement', async () => {
  assert.deepEqual(
    await run(
      'opensips',
      `$avp(note) = "it's \\\\' here"; $avp(note) = 7; avp_db_store("$tu", "$avp(note)"); xlog("$rc\\n");
       avp_db_store("$tu", "$avp(none)"); xlog("$rc\\n");
       $var(w) = "x' or '1'='1"; avp_db_delete("$var(w)/uuid", "*"); xlog("$rc\\n");
       avp_db_delete("sip:carl@a.example/username", "$avp(limit)"); xlog("$rc\\n");`,
    ),
    ['1', '-1', '1', '1'],
  );
  assert.deepEqual(selectSqlite(database, "select domain, type, value from usr_preferences where username = 'bob'"), [
    { domain: 'b.example', type: 0, value: "it's \\' here" },
    { domain: 'b.example', type: 2, value: '7' },
  ]);
  assert.deepEqual(selectSqlite(database, "select count(*) as n from usr_preferences where username = 'carl'"), [
    { n: 0 },
  ]);
  assert.deepEqual(selectSqlite(database, 'select count(*) as n from usr_preferences'), [{ n: 6 }]);
});

test('an alias, a group and a speed dial number are looked up', async () => {
  assert.deepEqual(
    await run(
      'opensips',
      `alias_db_find("dbaliases", "sip:o'neil@sw.example", $var(r)); xlog("$rc $var(r)\\n");
       alias_db_find("dbaliases", "sip:bob@nowhere", $var(r)); xlog("$rc\\n");
       alias_db_find("dbaliases", "sip:robert@home.example", $var(r), "r"); xlog("$rc $var(r)\\n");
       sd_lookup("speed_dial"); xlog("$rc $ru\\n"); $ru = "sip:bob@sw.example";
       alias_db_lookup("dbaliases"); xlog("$rc $ru\\n"); alias_db_lookup("dbaliases"); xlog("$rc $ru\\n");
       db_is_user_in("From", "international"); xlog("$rc\\n"); db_is_user_in("$fu", "local"); xlog("$rc\\n");`,
    ),
    [
      '1 sip:neil@home.example',
      '-1',
      '1 sip:bob@sw.example',
      '1 sip:real@far.example',
      '1 sip:robert@home.example',
      '-1 sip:robert@home.example',
      '1',
      '-1',
    ],
  );
});

test('a parameter that is not a name of a column is refused when the file is read', async () => {
  for (const [module, parameter] of [
    ['alias_db', 'user_column'],
    ['group', 'table'],
    ['speeddial', 'new_uri_column'],
  ] as const) {
    await assert.rejects(
      run('kamailio', '', `modparam("${module}", "${parameter}", "a b")`),
      new RegExp(`module ${module}: ${parameter}: "a b" is not a name`),
    );
  }
});

test('db_get_user_group gives the numbers of all groups whose expressions match, or of the first', async () => {
  const script = `db_get_user_group("From", $avp(g)); xlog("$rc $(avp(g)[*])\\n"); $var(u) = "sip:carl@b.org"; db_get_user_group("$var(u)", $avp(h)); xlog("$rc $avp(h)\\n");`;
  const table = 'modparam("group", "re_table", "re_grp")';
  assert.deepEqual(await run('opensips', script, table), ['1 4, 7', '-1 <null>']);
  assert.deepEqual(await run('opensips', script, `${table}\nmodparam("group", "multiple_gid", 0)`), [
    '1 4',
    '-1 <null>',
  ]);
});

test('db_get_user_group compiles each expression of 2,000 rows once; with more rows it fails', async () => {
  const script = 'db_get_user_group("From", $avp(g)); xlog("$rc $avp(g)\\n");';
  const head = 'modparam("group", "re_table", "re_many")';
  const used = async (calls: number): Promise<number> => {
    const before = process.cpuUsage();
    assert.deepEqual(await run('opensips', script.repeat(calls), head), new Array(calls).fill('1 2000'));
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  const once = await used(1);
  const often = await used(10);
  assert.ok(often < 4 * once, `${once} and ${often} microseconds`);
  executeSqlite(database, "insert into re_many values ('^sip:alice@', 2001)");
  assert.deepEqual(await run('opensips', script, head), ['-1 <null>']);
});
