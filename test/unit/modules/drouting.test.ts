import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FakeClock } from '../../support/fake-clock.js';
import { recordingLog } from '../../support/recording-log.js';
import { answerTo, INVITE, type ScriptRunner, startScript } from '../../support/script-run.js';
import { executeSqlite } from '../../support/sqlite-file.js';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-drouting-'));
const database = join(folder, 'data.db');
executeSqlite(
  database,
  `CREATE TABLE dr_gateways (id INTEGER PRIMARY KEY, gwid TEXT, type INT, address TEXT, strip INT, pri_prefix TEXT, attrs TEXT,
     probe_mode INT, state INT, socket TEXT);
   INSERT INTO dr_gateways (gwid, type, address, strip, pri_prefix, attrs, probe_mode, state) VALUES
     ('gw1', 1, 'sip:127.0.0.1:7001', 2, '', 'first', 1, 0), ('gw2', 1, '127.0.0.1:7002', 0, '9', 'second', 0, 0),
     ('gw3', 2, 'sip:127.0.0.1:5070;transport=udp', 1, '77', 'caller', 0, 0), ('off', 1, 'sip:127.0.0.1:7004', 0, '', '', 0, 1);
   CREATE TABLE dr_carriers (id INTEGER PRIMARY KEY, carrierid TEXT, gwlist TEXT, flags INT, sort_alg TEXT, state INT, attrs TEXT);
   INSERT INTO dr_carriers (carrierid, gwlist, flags, sort_alg, state, attrs) VALUES
     ('one', 'gw2,gw1', 2, 'N', 0, 'only the first'), ('both', 'gw2,gw1', 0, 'N', 0, 'both'), ('gone', 'gw1', 0, 'N', 1, '');
   CREATE TABLE dr_rules (ruleid INTEGER PRIMARY KEY, groupid TEXT, prefix TEXT, timerec TEXT, priority INT, routeid TEXT, gwlist TEXT, attrs TEXT);
   INSERT INTO dr_rules (ruleid, groupid, prefix, timerec, priority, routeid, gwlist, attrs) VALUES
     (1, '0,5', '0044', '', 0, '', 'gw1,off,gw2', 'uk'), (2, '0', '00', '', 0, 'seen', '#one', 'abroad'), (3, '0', '', '', 0, '', 'gw3', 'default'),
     (4, '0', '0049', '', 1, '', '#gone,gw2', 'low'), (5, '0', '0049', '20300101T000000', 9, '', 'gw1', 'later'),
     (6, '7', '1', '', 0, '', '#both', ''), (7, '8', '1', 'rubbish', 0, '', 'gw1', '');
   CREATE TABLE dr_groups (id INTEGER PRIMARY KEY, username TEXT, domain TEXT, groupid INT);
   INSERT INTO dr_groups (username, domain, groupid) VALUES ('alice', 'a.example', 5), ('bob', 'a.example', 0);`,
);
after(() => rmSync(folder, { recursive: true, force: true }));

const HEAD = `modparam("drouting", "db_url", "sqlite://${database}") modparam("drouting", "gw_id_avp", "$avp(gw)")
  modparam("drouting", "rule_prefix_avp", "$avp(prefix)") modparam("drouting", "carrier_id_avp", "$avp(carrier)")
  modparam("drouting", "probing_interval", 10)`;

async function routing(
  script: string,
  more: { clock?: FakeClock; old?: boolean; head?: string } = {},
): Promise<ScriptRunner> {
  const { head = '', ...options } = more;
  const runner = startScript({
    dialect: 'opensips',
    modules: 'drouting db_sqlite',
    head: HEAD + head,
    script,
    ...options,
  });
  await runner.daemon.mi.execute('dr_reload', {});
  return runner;
}

/** Output of a script for one INVITE to a number. */
async function written(number: string, script: string, more: Parameters<typeof routing>[1] = {}): Promise<string[]> {
  const runner = await routing(script, more);
  try {
    runner.receive(INVITE.replace('sip:bob@sw.example', `sip:${number}@sw.example`));
    await new Promise((resolve) => setImmediate(resolve));
    return runner.lines;
  } finally {
    await runner.stop();
  }
}

test('the rule with the longest prefix decides, its gateways come in order, disabled ones are skipped', async () => {
  const script = `do_routing(0, , , $var(r), $var(g)); xlog("$rc $ru $avp(gw) $avp(prefix) $var(r) $var(g)\\n");
    use_next_gw(); xlog("$rc $ru $avp(gw)\\n"); use_next_gw(); xlog("$rc $avp(gw)\\n");`;
  assert.deepEqual(await written('0044123', script), [
    '1 sip:44123@127.0.0.1:7001 gw1 0044 uk first',
    '1 sip:90044123@127.0.0.1:7002 gw2',
    '-1 gw2',
  ]);
  assert.deepEqual(await written('123', script), [
    '1 sip:7723@127.0.0.1:5070;transport=udp gw3  default caller',
    '-1 sip:7723@127.0.0.1:5070;transport=udp gw3',
    '-1 gw3',
  ]);
});

test('with flag F rules of lower priority and shorter prefix follow; a rule outside its time is not used', async () => {
  const script = `do_routing(0, "F"); xlog("$avp(gw) $avp(prefix)\\n"); use_next_gw(); xlog("$rc $avp(gw) $avp(carrier)\\n");
    use_next_gw(); xlog("$rc $avp(gw) $avp(carrier)\\n"); use_next_gw(); xlog("$rc\\n");`;
  assert.deepEqual(await written('004930', script), ['gw2 0049', '1 gw2 one', '1 gw3 <null>', '-1']);
});

test('flag L needs the whole number, flag C only checks, and a whitelist restricts the list', async () => {
  const script = `do_routing(0, "L"); xlog("$rc\\n"); do_routing(0, "C"); xlog("$rc $ru\\n"); do_routing(0, "", "gw2"); xlog("$rc $avp(gw)\\n");
    do_routing(6); xlog("$rc\\n"); do_routing(7, "", "#both"); xlog("$rc\\n"); do_routing(8); xlog("$rc\\n");
    dr_match(0, "", "0049", $var(a)); xlog("$rc $var(a)\\n"); dr_match(0, "L", "00491"); xlog("$rc\\n"); dr_match(9, , "1"); xlog("$rc\\n");`;
  assert.deepEqual(await written('0044123', script), [
    '-1',
    '1 sip:0044123@sw.example',
    '1 gw2',
    '-1',
    '-1',
    '-1',
    '1 low',
    '-1',
    '-1',
  ]);
});

test('the group is looked up by the caller; without one default_group is used', async () => {
  const script = 'do_routing(); xlog("$rc $avp(prefix)\\n");';
  assert.deepEqual(await written('0044', script), ['1 0044']);
  assert.deepEqual(await written('123', script), ['-1 <null>']);
  const other = 'if ($rU == "123") do_routing(); xlog("$rc $avp(prefix)\\n");';
  const runner = await routing(other, { head: ' modparam("drouting", "default_group", 0)' });
  try {
    runner.receive(INVITE.replace('sip:bob@', 'sip:123@').replace('sip:alice@', 'sip:eve@'));
    assert.deepEqual(runner.lines, ['1 ']);
  } finally {
    await runner.stop();
  }
});

test('calls go to a carrier or to gateways by name', async () => {
  const script = `route_to_carrier("both", $var(g), $var(c)); xlog("$rc $avp(gw) $avp(carrier) $var(g) $var(c)\\n"); use_next_gw(); xlog("$rc $avp(gw)\\n");
    route_to_carrier("one"); use_next_gw(); xlog("$rc\\n"); route_to_carrier("gone"); xlog("$rc\\n"); route_to_carrier("none"); xlog("$rc\\n");
    route_to_gw("off,gw1, gw2"); xlog("$rc $avp(gw)\\n"); route_to_gw("nobody"); xlog("$rc\\n");`;
  assert.deepEqual(await written('0044', script), ['1 gw2 both second both', '1 gw1', '-1', '-1', '-1', '1 gw1', '-1']);
});

test('is_from_gw(), goes_to_gw() and dr_is_gw() match gateways by address, port and type', async () => {
  const script = `is_from_gw(); xlog("$rc\\n"); is_from_gw(1); xlog("$rc\\n"); is_from_gw(1, "n"); xlog("$rc\\n"); is_from_gw(2, "ic", $var(a)); xlog("$rc $avp(gw) $avp(carrier) $var(a)\\n");
    is_from_gw(2, "sp"); xlog("$ru\\n"); goes_to_gw(); xlog("$rc\\n"); $du = "sip:127.0.0.1:7002"; goes_to_gw(1, "i"); xlog("$rc $avp(gw)\\n");
    dr_is_gw("sip:x@127.0.0.1:7001", 1, "i"); xlog("$rc $avp(gw)\\n"); dr_is_gw("sip:127.0.0.1:9", 1); xlog("$rc\\n"); dr_is_gw("rubbish"); xlog("$rc\\n");`;
  assert.deepEqual(await written('0044', script), [
    '1',
    '-1',
    '1',
    '1 gw3 <null> caller',
    'sip:77044@sw.example',
    '-1',
    '1 gw2',
    '1 gw1',
    '-1',
    '-1',
  ]);
});

test('files of 2.x write numbers and variables in quotes', async () => {
  const script = `is_from_gw("2", "n"); xlog("$rc\\n"); do_routing("0", "F", "", "$var(r)"); xlog("$rc $var(r)\\n"); revert_uri(); do_routing(""); xlog("$rc\\n");
    revert_uri(); $avp(g) = 0; do_routing("$avp(g)"); xlog("$rc $avp(gw)\\n");`;
  assert.deepEqual(await written('0044', script, { old: true }), ['1', '1 uk', '1', '1 gw1']);
});

test('a rule runs the route that it names', async () => {
  const script = `route { do_routing(0); xlog("$rc $avp(gw)\\n"); } route[seen] { xlog("rule for $rU\\n"); }`;
  assert.deepEqual(await written('001', script), ['rule for 001', '1 gw2']);
});

test('a gateway that a script disabled is used again when a probe is answered; one that a command disabled is not probed', async () => {
  const clock = new FakeClock();
  const runner = await routing(
    `route { do_routing(0); xlog("$avp(gw)\\n"); dr_disable(); xlog("$rc\\n"); revert_uri(); do_routing(0); xlog("$avp(gw)\\n"); }
     event_route[E_DROUTING_STATUS] { xlog("$param(gwid) $param(address) $param(status)\\n"); }`,
    { clock },
  );
  try {
    runner.receive(INVITE.replace('sip:bob@', 'sip:0044@'));
    assert.deepEqual(runner.lines.splice(0), ['gw1', 'gw1 sip:127.0.0.1:7001 probing', '1', 'gw2']);
    clock.advance(10_000);
    const probe = runner.sent.find(({ text }) => text.startsWith('OPTIONS sip:127.0.0.1:7001 '))?.text ?? '';
    runner.receive(answerTo(probe, '200 OK'), 7001);
    assert.deepEqual(runner.lines.splice(0), ['gw1 sip:127.0.0.1:7001 active']);
    await runner.daemon.mi.execute('dr_gw_status', { gw_id: 'gw1', status: 0 });
    assert.deepEqual(runner.lines, ['gw1 sip:127.0.0.1:7001 disabled mi']);
    const sent = runner.sent.length;
    clock.advance(60_000);
    assert.equal(runner.sent.length, sent);
    assert.deepEqual(await runner.daemon.mi.execute('dr_gw_status', { gw_id: 'gw1' }), { State: 'Disabled MI' });
    assert.deepEqual(await runner.daemon.mi.execute('dr_number_routing', { number: '0044', group_id: 0 }), {
      'Matched Prefix': '0044',
      'Rule ID': 1,
      ATTRS: 'uk',
      List: [{ GW: 'gw1' }, { GW: 'off' }, { GW: 'gw2' }],
    });
    await runner.daemon.mi.execute('dr_carrier_status', { carrier_id: 'one', status: 0 });
    assert.deepEqual(await runner.daemon.mi.execute('dr_carrier_status', { carrier_id: 'one' }), { Enabled: 'no' });
    await assert.rejects(runner.daemon.mi.execute('dr_gw_status', { gw_id: 'nobody' }), /not found/);
  } finally {
    await runner.stop();
  }
});

test('weights of a carrier are shares', async () => {
  const runner = await routing(`do_routing(5, "W"); xlog("$avp(gw)\\n");`);
  try {
    for (let i = 0; i < 60; i++)
      runner.receive(
        INVITE.replace('sip:bob@', 'sip:0044@').replace('z9hG4bK1', `z9hG4bKw${i}`).replace('a@a.ex', `${i}@a.ex`),
      );
    const firsts = new Set(runner.lines);
    // Without weights all are equally likely.
    assert.deepEqual(firsts, new Set(['gw1', 'gw2']));
  } finally {
    await runner.stop();
  }
});

test('define_blacklist makes lists of the addresses of gateways by their types', async () => {
  const head =
    ' modparam("drouting", "define_blacklist", "vendors= 1, 9") modparam("drouting", "define_blacklist", "none=3") modparam("drouting", "define_blacklist", "usual=0")';
  const script = (list: string) =>
    `if (!use_blacklist("${list}")) xlog("unknown\\n");
     $du = "sip:127.0.0.1:7009"; t_relay("no-auto-477"); xlog("$rc\\n"); exit;`;
  assert.deepEqual(await written('1', script('vendors'), { head }), ['-5']);
  assert.deepEqual(await written('1', script('none'), { head }), ['1']);
  assert.deepEqual(await written('1', script('other'), { head }), ['unknown', '1']);
  assert.deepEqual(await written('1', script('usual'), { head }), ['1']);
  executeSqlite(
    database,
    "INSERT INTO dr_gateways (gwid, type, address, state) VALUES ('zero', 0, '127.0.0.1:7005', 0)",
  );
  assert.deepEqual(await written('1', script('usual'), { head }), ['-5'], 'beside gateways of other types');
  executeSqlite(database, "DELETE FROM dr_gateways WHERE gwid = 'zero'");
  await assert.rejects(
    () => written('1', script('none'), { head: ' modparam("drouting", "define_blacklist", "vendors")' }),
    /not a list of the form/,
  );
});

/** Two partitions with their own tables, one of them with its own variables. */
const partitions = join(folder, 'partitions.db');
executeSqlite(
  partitions,
  `CREATE TABLE dr_partitions (id INTEGER PRIMARY KEY, partition_name TEXT, db_url TEXT, drd_table TEXT, drr_table TEXT, drg_table TEXT,
     drc_table TEXT, ruri_avp TEXT, gw_id_avp TEXT, gw_priprefix_avp TEXT, gw_sock_avp TEXT, rule_id_avp TEXT, rule_prefix_avp TEXT, carrier_id_avp TEXT);
   INSERT INTO dr_partitions (partition_name, db_url, gw_id_avp) VALUES ('first', 'sqlite://${database}', NULL);
   INSERT INTO dr_partitions (partition_name, db_url, drd_table, drr_table, drg_table, drc_table, gw_id_avp) VALUES
     ('second', 'sqlite://${partitions}', 'gateways2', 'rules2', 'groups2', 'carriers2', '$avp(gw2)');
   CREATE TABLE gateways2 (id INTEGER PRIMARY KEY, gwid TEXT, type INT, address TEXT, strip INT, pri_prefix TEXT, attrs TEXT,
     probe_mode INT, state INT, socket TEXT);
   INSERT INTO gateways2 (gwid, type, address, strip, pri_prefix, attrs, probe_mode, state) VALUES
     ('gw1', 3, 'sip:127.0.0.1:7101', 0, '', 'of the second', 0, 0), ('gw9', 3, 'sip:127.0.0.9:5070', 0, '', '', 0, 0);
   CREATE TABLE carriers2 (id INTEGER PRIMARY KEY, carrierid TEXT, gwlist TEXT, flags INT, sort_alg TEXT, state INT, attrs TEXT);
   CREATE TABLE rules2 (ruleid INTEGER PRIMARY KEY, groupid TEXT, prefix TEXT, timerec TEXT, priority INT, routeid TEXT, gwlist TEXT, attrs TEXT);
   INSERT INTO rules2 (ruleid, groupid, prefix, timerec, priority, routeid, gwlist, attrs) VALUES (1, '0', '00', '', 0, '', 'gw1,gw9', 'second');
   CREATE TABLE groups2 (id INTEGER PRIMARY KEY, username TEXT, domain TEXT, groupid INT);`,
);

const PARTITIONED = `modparam("drouting", "use_partitions", 1) modparam("drouting", "db_partitions_url", "sqlite://${partitions}")
  modparam("drouting", "partition_id_pvar", "$var(where)")`;

test('in files of OpenSIPS 2.x with use_partitions the first argument is the partition', async () => {
  const script = `do_routing("second:0", "", "", "$var(r)"); xlog("$rc $ru $avp(gw2) $var(r)\n");
    use_next_gw("second", "$var(r)", "$var(g)"); xlog("$rc $ru $avp(gw2)\n");
    if (is_from_gw("first", "2", "i", "$var(g)")) xlog("caller $avp(gw) $var(g)\n");
    if (!is_from_gw("second")) xlog("none of the second\n");
    if (goes_to_gw("second", , , "$var(g)")) xlog("to the second\n");
    $var(uri) = "sip:127.0.0.1:7002"; if (dr_is_gw("first", "$var(uri)", "1", "i", "$var(g)")) xlog("is $avp(gw) $var(g)\n");
    if (dr_disable("second")) xlog("disabled\n"); if (!use_next_gw("second")) xlog("none left\n");`;
  assert.deepEqual(await written('0044123', script, { head: PARTITIONED, old: true }), [
    '1 sip:0044123@127.0.0.1:7101 gw1 second',
    '1 sip:0044123@127.0.0.9:5070 gw9',
    'caller gw3 caller',
    'none of the second',
    'to the second',
    'is gw2 second',
    'disabled',
    'none left',
  ]);
  for (const [call, fault] of [
    ['use_next_gw()', /the partition is missing/],
    ['is_from_gw("first", "x")', /type must be a number, not "x"/],
    ['use_next_gw("first", "x")', /rule attributes must be a variable/],
  ] as const)
    await assert.rejects(written('1', `if (${call}) exit;`, { head: PARTITIONED, old: true }), fault, call);
  await assert.rejects(
    written('1', 'if (is_from_gw("first")) exit;', { old: true }),
    /type must be a number, not "first"/,
  );
});

test('each partition has its own tables and variables; without a name, or with an unknown one, nothing is found', async () => {
  const script = `do_routing(0, , , $var(r), , , "second"); xlog("$rc $ru $avp(gw2) $avp(gw) $var(r)\n");
    do_routing(0, , , $var(r), , , "first"); xlog("$rc $ru $avp(gw) $var(r)\n");
    use_next_gw( , , , "second"); xlog("$rc $ru $avp(gw2)\n"); use_next_gw( , , , "first"); xlog("$rc $ru $avp(gw)\n");
    do_routing(0); xlog("$rc\n"); do_routing(0, , , , , , "third"); xlog("$rc\n");`;
  assert.deepEqual(await written('0044123', script, { head: PARTITIONED }), [
    '1 sip:0044123@127.0.0.1:7101 gw1 <null> second',
    '1 sip:44123@127.0.0.1:7001 gw1 uk',
    '1 sip:0044123@127.0.0.9:5070 gw9',
    '1 sip:90044123@127.0.0.1:7002 gw2',
    '-1',
    '-1',
  ]);
});

test('"*" searches a gateway in all partitions, and the variable gets the name of the partition', async () => {
  const script = `dr_is_gw("sip:127.0.0.9:5070", , , , "*"); xlog("$rc $var(where)\n"); dr_is_gw("sip:127.0.0.1:7001", 1, , , "*"); xlog("$rc $var(where)\n");
    dr_is_gw("sip:127.0.0.9:5070", , , , "first"); xlog("$rc\n"); dr_is_gw("sip:127.0.0.8:5070", , , , "*"); xlog("$rc\n");`;
  assert.deepEqual(await written('0044123', script, { head: PARTITIONED }), ['1 second', '1 first', '-1', '-1']);
});

test('the argument of carrier attributes precedes the partition, type 0 is a type, and several carriers are tried in order', async () => {
  const script = `dr_is_gw("sip:127.0.0.1:7001", 1, , $var(g), $var(c)); xlog("$rc [$var(g)] [$var(c)]\\n"); dr_is_gw("sip:127.0.0.1:7001", 0); xlog("$rc\\n");
    dr_is_gw("sip:127.0.0.1:7001", -1); xlog("$rc\\n"); route_to_gw("gw1,gw2", $var(g), $var(c)); xlog("$rc $avp(gw) [$var(c)]\\n");
    route_to_carrier("gone, one, both"); xlog("$rc $avp(carrier) $avp(gw)\\n"); use_next_gw(); xlog("$rc $avp(carrier)\\n");`;
  const lines = await written('0044', script);
  assert.deepEqual(lines.slice(1, 3), ['-1', '1']);
  assert.match(lines[0] ?? '', /^1 \[first\] \[only the first\]$/);
  assert.match(lines[3] ?? '', /^1 gw1 \[only the first\]$/);
  assert.match(lines[4] ?? '', /^1 one gw2$/);
  assert.equal(lines[5], '1 both');
  const inPartitions = `dr_is_gw("sip:127.0.0.9:5070", , "n", , , "second"); xlog("$rc\\n"); route_to_gw("gw9", , , "second"); xlog("$rc\\n");
    route_to_gw("gw9", , "second"); xlog("$rc\\n"); is_from_gw( , "c", , , "first"); goes_to_gw(1, , $var(g), , "first");`;
  assert.deepEqual(await written('0044', inPartitions, { head: PARTITIONED }), ['1', '1', '1']);
  await assert.rejects(
    written('0044', 'dr_is_gw("sip:127.0.0.9:5070", , , , "x", "second");', { head: PARTITIONED }),
    /carrier attributes must be a variable/,
  );
});

test('commands name their partition', async () => {
  const runner = await routing('exit;', { head: PARTITIONED });
  try {
    const { mi } = runner.daemon;
    const ids = async (partition_name: string) => {
      const { Gateways } = (await mi.execute('dr_gw_status', { partition_name })) as { Gateways: { ID: string }[] };
      return Gateways.map(({ ID }) => ID);
    };
    assert.deepEqual(
      [await ids('first'), await ids('second')],
      [
        ['gw1', 'gw2', 'gw3', 'off'],
        ['gw1', 'gw9'],
      ],
    );
    await mi.execute('dr_gw_status', { gw_id: 'gw1', status: '0', partition_name: 'second' });
    const state = (partition_name: string) => mi.execute('dr_gw_status', { gw_id: 'gw1', partition_name });
    assert.deepEqual([await state('first'), await state('second')], [{ State: 'Active' }, { State: 'Disabled MI' }]);
    await assert.rejects(async () => mi.execute('dr_gw_status', {}), /partition_name/);
    await assert.rejects(async () => mi.execute('dr_gw_status', { partition_name: 'third' }), /Partition not found/);
    const { Partitions } = (await mi.execute('dr_reload_status', {})) as { Partitions: { name: string }[] };
    assert.deepEqual(
      Partitions.map(({ name }) => name),
      ['first', 'second'],
    );
  } finally {
    await runner.stop();
  }
});

test('dr_reload of one partition reads only that one', async () => {
  const read = join(folder, 'read.db');
  const gateways = (name: string): string =>
    `CREATE TABLE ${name} (id INTEGER PRIMARY KEY, gwid TEXT, type INT, address TEXT, strip INT, pri_prefix TEXT, attrs TEXT,
       probe_mode INT, state INT, socket TEXT);`;
  executeSqlite(
    read,
    `CREATE TABLE dr_partitions (id INTEGER PRIMARY KEY, partition_name TEXT, db_url TEXT, drd_table TEXT);
     INSERT INTO dr_partitions (partition_name, db_url, drd_table) VALUES ('one', 'sqlite://${database}', 'of_one'), ('two', 'sqlite://${database}', 'of_two');`,
  );
  executeSqlite(database, `${gateways('of_one')} ${gateways('of_two')}`);
  const runner = await routing('exit;', {
    head: `modparam("drouting", "use_partitions", 1) modparam("drouting", "db_partitions_url", "sqlite://${read}")`,
  });
  try {
    const { mi } = runner.daemon;
    const ids = async (partition_name: string) => {
      const { Gateways } = (await mi.execute('dr_gw_status', { partition_name })) as { Gateways: { ID: string }[] };
      return Gateways.map(({ ID }) => ID).join(' ');
    };
    for (const table of ['of_one', 'of_two'])
      executeSqlite(
        database,
        `INSERT INTO ${table} (gwid, type, address, strip, pri_prefix, attrs, probe_mode, state) VALUES ('new', 3, 'sip:127.0.0.1:7500', 0, '', '', 0, 0);`,
      );
    assert.equal(await mi.execute('dr_reload', { partition_name: 'two' }), 'OK');
    assert.deepEqual([await ids('one'), await ids('two')], ['', 'new']);
    assert.equal(await mi.execute('dr_reload', {}), 'OK');
    assert.deepEqual([await ids('one'), await ids('two')], ['new', 'new']);
  } finally {
    await runner.stop();
  }
});

test('files of 2.x name the partition before the group', async () => {
  const script = `do_routing("second:0"); xlog("$rc $ru $avp(gw2)\n"); route_to_gw("first:gw2"); xlog("$rc $ru\n");`;
  assert.deepEqual(await written('0044123', script, { head: PARTITIONED, old: true }), [
    '1 sip:0044123@127.0.0.1:7101 gw1',
    '1 sip:90044123@127.0.0.1:7002',
  ]);
});

test('a reload asks a silent database once, however many partitions it has', async () => {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const silent = join(folder, 'silent.db');
  const names = ['one', 'two', 'three', 'four'];
  executeSqlite(
    silent,
    `CREATE TABLE dr_partitions (id INTEGER PRIMARY KEY, partition_name TEXT, db_url TEXT);
     INSERT INTO dr_partitions (partition_name, db_url) VALUES ('good', 'sqlite://${database}'),
       ${names.map((name) => `('${name}', 'mysql://u:p@127.0.0.1:${port}/x')`).join(', ')};`,
  );
  const { log, lines } = recordingLog();
  const runner = startScript({
    dialect: 'opensips',
    modules: 'drouting db_sqlite db_mysql',
    head: `modparam("drouting", "use_partitions", 1) modparam("drouting", "db_partitions_url", "sqlite://${silent}")`,
    script: 'exit;',
    log,
  });
  try {
    const { mi } = runner.daemon;
    await assert.rejects(async () => mi.execute('dr_reload', {}), /a table cannot be read/);
    const failed = lines
      .filter(({ message }) => message.includes('cannot be read'))
      .map(({ fields }) => fields['table']);
    assert.deepEqual(failed, ['dr_gateways']);
    // A broken connection is opened again up to four times for one table.
    assert.ok(connections >= 1 && connections <= 5, String(connections));
    const { Partitions } = (await mi.execute('dr_reload_status', {})) as { Partitions: { name: string }[] };
    assert.deepEqual(
      Partitions.map(({ name }) => name),
      ['good'],
    );
    const before = connections;
    await assert.rejects(async () => mi.execute('dr_reload', {}), /a table cannot be read/);
    assert.ok(connections > before, 'the next reload asks it again');
  } finally {
    await runner.stop();
    server.close();
  }
});

test('gateways of a partition that the table has no longer are not probed any more', async () => {
  const named = join(folder, 'removed.db');
  executeSqlite(
    named,
    `CREATE TABLE dr_partitions (id INTEGER PRIMARY KEY, partition_name TEXT, db_url TEXT);
     INSERT INTO dr_partitions (partition_name, db_url) VALUES ('kept', 'sqlite://${database}'), ('removed', 'sqlite://${database}');`,
  );
  const clock = new FakeClock();
  const head = ` modparam("drouting", "use_partitions", 1) modparam("drouting", "db_partitions_url", "sqlite://${named}")`;
  const script = `do_routing(0, , , , , , "$rU"); xlog("$rc\n"); if ($rU == "removed") exit; dr_disable("removed"); xlog("$rc\n");`;
  const runner = await routing(script.replace('"$rU"', '"removed"'), { clock, head });
  try {
    runner.receive(INVITE.replace('sip:bob@', 'sip:0044@'));
    assert.deepEqual(runner.lines.splice(0), ['1', '1']);
    const probes = () => runner.sent.filter(({ text }) => text.startsWith('OPTIONS sip:127.0.0.1:7001 ')).length;
    clock.advance(10_000);
    assert.equal(probes(), 1);
    executeSqlite(named, "DELETE FROM dr_partitions WHERE partition_name = 'removed'");
    const { mi } = runner.daemon;
    await mi.execute('dr_reload', {});
    await mi.execute('dr_gw_status', { partition_name: 'kept' });
    clock.advance(60_000);
    const before = probes();
    clock.advance(60_000);
    assert.equal(probes(), before);
  } finally {
    await runner.stop();
  }
});

test('gw_socket_filter_mode says which gateways are used by their socket', async () => {
  executeSqlite(database, "UPDATE dr_gateways SET socket = 'udp:127.0.0.1:5060' WHERE gwid = 'gw1'");
  executeSqlite(database, "UPDATE dr_gateways SET socket = 'udp:192.0.2.1:5060' WHERE gwid = 'gw2'");
  const script = 'do_routing(0); xlog("$rc $avp(gw)\\n"); use_next_gw(); xlog("$rc $avp(gw)\\n");';
  const inMode = (mode: string): Promise<string[]> =>
    written('0044123', script, { head: `\nmodparam("drouting", "gw_socket_filter_mode", "${mode}")` });
  try {
    assert.deepEqual(await inMode('all'), ['1 gw1', '1 gw2']);
    assert.deepEqual(await inMode('ignore'), ['1 gw1', '1 gw2']);
    assert.deepEqual(await inMode('matched-only'), ['1 gw1', '-1 gw1']);
    await assert.rejects(inMode('none'), /gw_socket_filter_mode: "none" is none of all, ignore, matched-only/);
  } finally {
    executeSqlite(database, 'UPDATE dr_gateways SET socket = NULL');
  }
});

test('functions of drouting may be called in the routes that the document names', async () => {
  const script = `route { t_on_branch("b"); t_on_reply("r"); t_relay(); }
    branch_route[b] { is_from_gw(); use_next_gw(); dr_disable(); }
    onreply_route[r] { goes_to_gw(); is_from_gw(); dr_disable(); }`;
  const runner = await routing(script);
  await runner.stop();
});
