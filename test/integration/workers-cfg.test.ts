import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { loadLibc } from '../../src/sip/transport/native/libc.js';
import { type CfgDaemon, startCfgDaemon } from '../support/cfg-daemon.js';
import { type Caller, type CallResult, type Gateway, startCaller, startGateway } from '../support/sip-endpoints.js';
import { executeSqlite } from '../support/sqlite-file.js';

import { until } from '../support/until.js';

const skip = 'libc' in (await loadLibc()) ? false : 'the system calls are not available';

const OPENSIPS = (more = '') => `
log_level=3
socket=LISTEN
loadmodule "proto_udp.so"
loadmodule "signaling.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "sipmsgops.so"
loadmodule "db_sqlite.so"
loadmodule "dispatcher.so"
modparam("dispatcher", "db_url", "sqlite://FOLDER/db.sqlite")
route {
  if (!mf_process_maxfwd_header(10)) { send_reply(483, "Too Many Hops"); exit; }
  if (has_totag()) {
    if (loose_route()) { t_relay(); exit; }
    if (is_method("ACK")) { if (t_check_trans()) t_relay(); exit; }
    send_reply(404, "Not here");
    exit;
  }
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  t_check_trans();
  if (!is_method("INVITE")) { send_reply(405, "Method Not Allowed"); exit; }
  record_route();
  ${more}
  if ($rU =~ "^m") {
    if (!ds_select_dst(2, 8, "f")) { send_reply(503, "None"); exit; }
  } else if (!ds_select_dst(1, 4, "f")) { send_reply(503, "None"); exit; }
  xlog("L_WARN", "chosen for $rU");
  t_on_failure("next");
  t_relay();
}
failure_route[next] {
  if (t_was_cancelled()) exit;
  if (t_check_status("503")) {
    ds_mark_dst("i");
    if (ds_next_dst()) { t_on_failure("next"); t_relay(); }
  }
}
`;

const KAMAILIO = `#!KAMAILIO
listen=LISTEN
children=2
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
loadmodule "sanity.so"
loadmodule "dispatcher.so"
modparam("dispatcher", "list_file", "FOLDER/dispatcher.list")
modparam("dispatcher", "flags", 2)
request_route {
  if (!sanity_check("1511", "7")) exit;
  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  if (has_totag()) {
    if (loose_route()) { t_relay(); exit; }
    if (is_method("ACK")) { if (t_check_trans()) t_relay(); exit; }
    sl_send_reply("404", "Not here");
    exit;
  }
  t_check_trans();
  record_route();
  if ($rU =~ "^m") {
    if (!ds_select_dst("2", "8")) { sl_send_reply("503", "None"); exit; }
  } else if ($rU =~ "^r") {
    if (!ds_select_routes("1=4;2=8", "d")) { sl_send_reply("503", "None"); exit; }
  } else if (!ds_select_dst("1", "4")) { sl_send_reply("503", "None"); exit; }
  xlog("L_WARN", "chosen for $rU\\n");
  t_on_failure("NEXT");
  t_relay();
}
failure_route[NEXT] {
  if (t_is_canceled()) exit;
  if (t_check_status("503")) {
    ds_mark_dst("ip");
    if (ds_next_dst()) { t_on_failure("NEXT"); t_relay(); exit; }
  }
}
`;

/** A row of both kinds of tables. */
type Row = readonly [set: number, uri: string, priority: number];

const write = {
  opensips: (folder: string, rows: readonly Row[]) =>
    executeSqlite(
      join(folder, 'db.sqlite'),
      `CREATE TABLE IF NOT EXISTS version (table_name TEXT, table_version INTEGER);
       DELETE FROM version;
       INSERT INTO version VALUES ('dispatcher', 9);
       CREATE TABLE IF NOT EXISTS dispatcher (id INTEGER PRIMARY KEY, setid INTEGER, destination TEXT, socket TEXT,
         state INTEGER DEFAULT 0, probe_mode INTEGER DEFAULT 0, weight TEXT DEFAULT '1', priority INTEGER DEFAULT 0,
         attrs TEXT DEFAULT '', description TEXT DEFAULT '');
       DELETE FROM dispatcher;
       ${rows.map((row) => `INSERT INTO dispatcher (setid, destination, priority) VALUES (${row[0]}, '${row[1]}', ${row[2]});`).join('\n')}`,
    ),
  kamailio: (folder: string, rows: readonly Row[]) =>
    writeFileSync(join(folder, 'dispatcher.list'), rows.map((row) => `${row[0]} ${row[1]} 0 ${row[2]}\n`).join('')),
};

for (const dialect of ['opensips', 'kamailio'] as const) {
  describe(`${dialect}.cfg with two workers`, { skip }, () => {
    const close: (() => unknown)[] = [];
    const gateways: Gateway[] = [];
    let caller: Caller;
    let daemon: CfgDaemon;

    const rows = (): readonly Row[] => [
      ...gateways.map((gateway) => [1, gateway.uri, 0] as const),
      [2, gateways[0]?.uri ?? '', 9],
      [2, gateways[1]?.uri ?? '', 5],
    ];
    const dial = (user: string, options: object = {}): Promise<CallResult> =>
      caller.placeCall({ ruri: `sip:${user}@acme.example`, proxy: daemon.proxy, ...options });
    const invites = (): readonly number[] => gateways.map((each) => each.count('INVITE'));
    const metric = (name: string): number => daemon.daemon.metrics.total(name);

    test('the daemon starts with two workers', async () => {
      for (let i = 1; i <= 3; i++) gateways.push(await startGateway({ host: `127.0.1.${40 + i}`, name: `gw${i}` }));
      for (const each of gateways) close.push(() => each.kill());
      caller = await startCaller({ host: '127.0.1.45' });
      close.push(() => caller.stop());
      daemon = await startCfgDaemon({
        text: dialect === 'opensips' ? OPENSIPS() : KAMAILIO,
        json: { workers: 2, worker_spread: 'even' },
        prepare: (folder) => write[dialect](folder, rows()),
      });
      close.push(() => daemon.stop());
    });

    test('round robin is exact over all calls, which both workers take', async () => {
      const before = invites();
      const results = await Promise.all(Array.from({ length: 60 }, (_, i) => dial(`a${i}`)));
      assert.deepEqual([...new Set(results.map((each) => `${each.status} ${each.byeStatus}`))], ['200 200']);
      assert.deepEqual(
        invites().map((count, i) => count - (before[i] ?? 0)),
        [20, 20, 20],
      );
      await until('every call has its record', () => daemon.daemon.calls.ledger.inDialog === 0);
      await until('all lines are in the log', () => daemon.script.length === 60, { show: () => daemon.script.length });
      assert.ok(metric('switchyard_worker_requests_total') >= 60, 'workers took them');
    });

    test('round robin is also exact in a set by rules', { skip: dialect === 'opensips' }, async () => {
      const before = invites();
      const results = await Promise.all(Array.from({ length: 30 }, (_, i) => dial(`r${i}`)));
      assert.deepEqual([...new Set(results.map((each) => `${each.status} ${each.byeStatus}`))], ['200 200']);
      assert.deepEqual(
        invites().map((count, i) => count - (before[i] ?? 0)),
        [10, 10, 10],
      );
    });

    test('a destination that the script of one worker marks is passed over by all', async () => {
      const [first, second] = gateways;
      if (first !== undefined) first.answer = () => 503;
      const before = second?.count('INVITE') ?? 0;
      assert.equal((await dial('m0')).gateway, 'gw2');
      const tried = first?.count('INVITE');
      await until('it is marked', async () => {
        const reply = JSON.stringify(await daemon.daemon.mi.execute('ds_list', {}));
        return /Inactive|Probing|"FLAGS":"[IT]/i.test(reply);
      });
      const results = await Promise.all(Array.from({ length: 16 }, (_, i) => dial(`m1${i}`)));
      assert.deepEqual([...new Set(results.map(({ gateway }) => gateway))], ['gw2']);
      assert.equal(first?.count('INVITE'), tried, 'it is asked no more');
      assert.equal((second?.count('INVITE') ?? 0) - before, 17);
      if (first !== undefined) first.answer = () => 200;
    });

    test('a caller who gives up has its call cancelled, and is answered 487', async () => {
      for (const each of gateways) each.answer = () => ({ status: 200, ringMs: 5000 });
      const before = gateways.reduce((sum, each) => sum + each.count('CANCEL'), 0);
      const results = await Promise.all(Array.from({ length: 8 }, (_, i) => dial(`c${i}`, { cancelOn: 180 })));
      assert.deepEqual([...new Set(results.map(({ status }) => status))], [487]);
      await until(
        'all are cancelled',
        () => gateways.reduce((sum, each) => sum + each.count('CANCEL'), 0) - before === 8,
      );
      for (const each of gateways) each.answer = () => 200;
    });

    test('the brain runs the script for calls that are traced', async () => {
      const given = () => metric('switchyard_worker_requests_total');
      const before = given();
      const trace = (await daemon.daemon.mi.execute('trace_start', { one_in: 1, seconds: 60 })) as object;
      const traced = await Promise.all(Array.from({ length: 6 }, (_, i) => dial(`t${i}`, { holdMs: 100 })));
      assert.deepEqual([...new Set(traced.map((each) => `${each.status} ${each.byeStatus}`))], ['200 200']);
      assert.equal(given(), before);
      await daemon.daemon.mi.execute('trace_stop', { id: Object.values(trace)[0] as number });
      await until('workers run it again', async () => {
        assert.equal((await dial('u')).status, 200);
        return given() > before;
      });
    });

    test('after a reload all workers run the new file', async () => {
      const text = dialect === 'opensips' ? OPENSIPS() : KAMAILIO;
      await daemon.reload(text.replace('chosen for', 'now chosen for'));
      daemon.script.length = 0;
      await until('both have it', async () => {
        daemon.script.length = 0;
        await Promise.all(Array.from({ length: 12 }, (_, i) => dial(`r${i}`)));
        await until('the lines come', () => daemon.script.length >= 12);
        return daemon.script.every((line) => line.startsWith('now chosen'));
      });
    });

    test('the daemon stops, and no process is left', async () => {
      for (const each of close.reverse()) await each();
    });
  });
}

test('tables of addresses that are read again are used by all workers at once', { skip }, async (t) => {
  const rows = (ip: string) =>
    `CREATE TABLE IF NOT EXISTS address (id INTEGER PRIMARY KEY, grp INTEGER, ip TEXT, mask INTEGER, port INTEGER DEFAULT 0,
       proto TEXT DEFAULT 'any', pattern TEXT, context_info TEXT);
     DELETE FROM address; INSERT INTO address (grp, ip, mask) VALUES (1, '${ip}', 32);`;
  const daemon = await startCfgDaemon({
    text: `
socket=LISTEN
loadmodule "proto_udp.so"
loadmodule "signaling.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "db_sqlite.so"
loadmodule "permissions.so"
modparam("permissions", "db_url", "sqlite://FOLDER/db.sqlite")
route {
  if (!check_source_address(1)) { send_reply(403, "Forbidden"); exit; }
  send_reply(480, "Known");
}
`,
    json: { workers: 2, worker_spread: 'even' },
    prepare: (folder) => {
      executeSqlite(
        join(folder, 'db.sqlite'),
        `CREATE TABLE version (table_name TEXT, table_version INTEGER); INSERT INTO version VALUES ('address', 5); ${rows('127.0.1.46')}`,
      );
    },
  });
  const caller = await startCaller({ host: '127.0.1.46' });
  t.after(async () => {
    caller.stop();
    await daemon.stop();
  });
  const codes = async (): Promise<readonly number[]> => {
    const calls = Array.from({ length: 12 }, (_, i) =>
      caller.placeCall({ ruri: `sip:${i}@acme.example`, proxy: daemon.proxy }),
    );
    return [...new Set((await Promise.all(calls)).map(({ status }) => status))];
  };
  assert.deepEqual(await codes(), [480]);
  executeSqlite(join(daemon.folder, 'db.sqlite'), rows('127.0.1.47'));
  assert.deepEqual(await codes(), [480], 'nobody has read it yet');
  await daemon.daemon.mi.execute('address_reload', {});
  assert.deepEqual(await codes(), [403], 'from the reply to the command on');
  executeSqlite(join(daemon.folder, 'db.sqlite'), rows('127.0.1.46'));
  await daemon.daemon.mi.execute('address_reload', {});
  assert.deepEqual(await codes(), [480]);
});

test('a file that needs one process is refused with everything in it that does', { skip }, async () => {
  const text = OPENSIPS('raise_event("E_A"); if (strings_share_lock("a", "b")) exit;').replace(
    'loadmodule "sl.so"',
    'loadmodule "sl.so"\nloadmodule "cfgutils.so"',
  );
  await assert.rejects(
    startCfgDaemon({
      text: text.replace('ds_select_dst(1, 4, "f")', 'ds_select_dst(1, 9, "f")'),
      json: { workers: 2, worker_spread: 'even' },
      prepare: (folder) => write.opensips(folder, []),
    }),
    /"workers": 2: the cfg file needs one process:\n.*:\d+: raise_event\(\) works in one process only\n[\s\S]*strings_share_lock\(\) works in one process only\n[\s\S]*ds_select_dst\(\): algorithm 9 needs one process/,
  );
});
