import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { hashToken, newToken } from '../../src/access/secret.js';
import { type CfgDaemon, startCfgDaemon } from '../support/cfg-daemon.js';
import { runCli } from '../support/command-line.js';
import { DatagramPeer } from '../support/datagram-peer.js';
import { freePort } from '../support/ports.js';
import { executeSqlite, selectSqlite } from '../support/sqlite-file.js';
import { until } from '../support/until.js';

const invite = (user: string, callId = 'explained@test', port = 5070) =>
  `INVITE sip:${user}@sw.example SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK${callId}\r\nMax-Forwards: 70\r\n` +
  `From: <sip:alice@caller.example>;tag=f\r\nTo: <sip:${user}@sw.example>\r\nCall-ID: ${callId}\r\nCSeq: 1 INVITE\r\n` +
  `Contact: <sip:alice@127.0.0.1:${port}>\r\nContent-Length: 0\r\n\r\n`;

/**
 * Both files do the same: count, write accounting, keep the dialog, select by round robin, and for the user "mark" mark
 * the destination.
 */
const KAMAILIO = `#!KAMAILIO
listen=LISTEN
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "htable.so"
loadmodule "statistics.so"
loadmodule "dialog.so"
loadmodule "acc.so"
loadmodule "db_sqlite.so"
loadmodule "dispatcher.so"
modparam("htable", "htable", "a=>size=4;initval=0;")
modparam("statistics", "variable", "asked")
modparam("dialog", "profiles_no_value", "calls")
modparam("dialog", "dlg_flag", 4)
modparam("acc", "log_flag", 1)
modparam("acc", "db_flag", 1)
modparam("acc", "failed_transaction_flag", 1)
modparam("acc", "db_url", "sqlite:///FOLDER/db.sqlite")
modparam("dispatcher", "db_url", "sqlite:///FOLDER/db.sqlite")
request_route {
  $sht(a=>n) = $sht(a=>n) + 1;
  $shv(c) = $shv(c) + 1;
  update_stat("asked", "+1");
  setflag(1);
  setflag(4);
  dlg_manage();
  set_dlg_profile("calls");
  get_profile_size("calls", "$var(size)");
  xlog("L_ERR", "number $sht(a=>n) of $var(size)\\n");
  ds_select_dst("1", "4");
  if ($rU == "mark") ds_mark_dst("ip");
  route(RELAY);
}
route[RELAY] {
  t_relay();
}
`;

const OPENSIPS = `socket=LISTEN
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "signaling.so"
loadmodule "tm.so"
loadmodule "cachedb_local.so"
loadmodule "statistics.so"
loadmodule "dialog.so"
loadmodule "acc.so"
loadmodule "db_sqlite.so"
loadmodule "dispatcher.so"
modparam("cachedb_local", "cachedb_url", "local:a:///a")
modparam("statistics", "variable", "asked")
modparam("dialog", "profiles_no_value", "calls")
modparam("acc", "db_url", "sqlite:///FOLDER/db.sqlite")
modparam("dispatcher", "db_url", "sqlite:///FOLDER/db.sqlite")
modparam("dispatcher", "persistent_state", 1)
route {
  cache_add("local:a", "n", 1, 0, $var(n));
  $var(c) = $var(n) + 10;
  update_stat("asked", 1);
  do_accounting("log|db", "failed");
  create_dialog();
  set_dlg_profile("calls");
  get_profile_size("calls", "", $var(size));
  xlog("L_ERR", "number $var(n) of $var(size)\\n");
  ds_select_dst(1, 4);
  if ($rU == "mark") ds_mark_dst("i");
  route(RELAY);
}
route[RELAY] {
  t_relay();
}
`;

const ACC =
  'CREATE TABLE acc (id INTEGER PRIMARY KEY, method TEXT, from_tag TEXT, to_tag TEXT, callid TEXT, sip_code TEXT, sip_reason TEXT, time TEXT, created TEXT, duration INT, ms_duration INT, setuptime INT);';
const VERSION = 'CREATE TABLE version (table_name TEXT, table_version INTEGER);';

function tables(folder: string, dialect: string, uris: readonly string[]): void {
  const rows =
    dialect === 'kamailio'
      ? `INSERT INTO version VALUES ('dispatcher', 4);
         CREATE TABLE dispatcher (id INTEGER PRIMARY KEY, setid INTEGER, destination TEXT, flags INTEGER DEFAULT 0, priority INTEGER DEFAULT 0, attrs TEXT DEFAULT '', description TEXT DEFAULT '');`
      : `INSERT INTO version VALUES ('dispatcher', 9);
         CREATE TABLE dispatcher (id INTEGER PRIMARY KEY, setid INTEGER, destination TEXT, socket TEXT DEFAULT '', state INTEGER DEFAULT 0, probe_mode INTEGER DEFAULT 0, weight TEXT DEFAULT '1', priority INTEGER DEFAULT 0, attrs TEXT DEFAULT '', description TEXT DEFAULT '');`;
  executeSqlite(
    join(folder, 'db.sqlite'),
    `${ACC}${VERSION}${rows}${uris.map((uri) => `INSERT INTO dispatcher (setid, destination) VALUES (1, '${uri}');`).join('')}`,
  );
}

type Result = {
  readonly steps: readonly { readonly text: string; readonly result: string; readonly values: unknown }[];
  readonly log: readonly string[];
  readonly sent: readonly { readonly line: string; readonly port: number }[];
};

for (const [dialect, text] of [
  ['kamailio', KAMAILIO],
  ['opensips', OPENSIPS],
] as const) {
  describe(`explain --live with a ${dialect}.cfg`, { timeout: 60_000 }, () => {
    let daemon: CfgDaemon;
    let gateways: DatagramPeer[] = [];
    let caller: DatagramPeer;
    let http: number;
    const tokens = { tenant: newToken(), all: newToken() };
    const ready = (async () => {
      gateways = [await DatagramPeer.open(), await DatagramPeer.open()];
      caller = await DatagramPeer.open();
      http = await freePort();
      const users = [
        { name: 'tenant', role: 'operator', token: hashToken(tokens.tenant), partitions: ['default'] },
        { name: 'all', role: 'operator', token: hashToken(tokens.all), partitions: '*' },
      ];
      daemon = await startCfgDaemon({
        text,
        json: { http: `127.0.0.1:${http}`, mi: { http: {} }, access: { users } },
        prepare: (folder) =>
          tables(
            folder,
            dialect,
            gateways.map(({ port }) => `sip:127.0.0.1:${port}`),
          ),
      });
    })();
    after(async () => {
      await ready.catch(() => undefined);
      await daemon?.stop();
      for (const each of [...gateways, caller]) each?.close();
    });

    const mi = async (method: string, params: object = {}): Promise<unknown> => {
      const answer = (await daemon.daemon.mi.execute(method, params as never)) as { error?: unknown; result?: unknown };
      return JSON.parse(JSON.stringify(answer));
    };
    const explained = async (user = 'bob'): Promise<Result> => {
      const answer = (await mi('explain', { request: invite(user) })) as { result?: Result } & Result;
      return answer.result ?? answer;
    };
    const goesTo = ({ sent }: Result) => sent.filter(({ line }) => line.startsWith('INVITE')).map(({ port }) => port);

    /** All state of the daemon that a call changes. */
    const everything = async () => ({
      statistics: Object.fromEntries(
        Object.entries((await mi('get_statistics', { statistics: ['all'] })) as Record<string, unknown>).filter(
          ([name]) => !/memory|shmem|pkmem|load|time|mi|used_size|real_used|fragments|max_used|free_size/.test(name),
        ),
      ),
      lists: await mi('ds_list', { full: 1 }),
      dialogs: await mi('dlg_list'),
      calls: await mi('calls_list'),
      positions: [...daemon.daemon.engine.partitions].flatMap(({ snapshot }) =>
        [...snapshot.sets.values()].map((set) => (set as unknown as { last: number }).last),
      ),
      rows: selectSqlite(join(daemon.folder, 'db.sqlite'), 'SELECT * FROM dispatcher'),
      accounted: selectSqlite(join(daemon.folder, 'db.sqlite'), 'SELECT count(*) AS n FROM acc'),
      lines: [...daemon.script],
      sent: gateways.map(({ received }) => received.length),
    });

    test('the path is shown statement by statement with its values, and where the call would go', async () => {
      await ready;
      writeFileSync(join(daemon.folder, 'invite.sip'), invite('bob'));
      const to = `http://127.0.0.1:${http}/mi`;
      process.env['SWITCHYARD_TOKEN'] = tokens.all;
      const shown = await runCli(['explain', '--to', to, '--live', join(daemon.folder, 'invite.sip')]);
      delete process.env['SWITCHYARD_TOKEN'];
      assert.equal(shown.status, 0, shown.err);
      assert.match(shown.out, /\(c\) = \$\w+\([cn]\) \+ 10?;\n {4}assigns: \$\w+\(c\) = 11?\n/);
      assert.match(shown.out, /if \(\$rU == "mark"\) ds_mark_dst\("ip?"\);\n {4}no: \$rU = bob\n/);
      assert.match(shown.out, /route\(RELAY\);\n {4}enters\n/);
      assert.match(shown.out, /t_relay\(\);\n {4}returns 1\n/);
      assert.match(shown.out, /log: ERROR number 1 of 1\n/);
      const port = Number(/sends to 127\.0\.0\.1:(\d+): INVITE sip:bob@/.exec(shown.out)?.[1]);
      assert.ok(
        gateways.some((each) => each.port === port),
        shown.out,
      );
    });

    test('explaining a call changes no state of the daemon', async () => {
      await ready;
      await caller.send(invite('bob', 'real1@test', caller.port), daemon.port, '127.0.0.1');
      await until('the call arrives', () => gateways.some(({ received }) => received.length > 0));
      const reply = gateways.find(({ received }) => received.length > 0);
      const { text: request, port } = reply?.received[0] ?? assert.fail();
      const fields = /^(?:Via|From|To|Call-ID|CSeq|Record-Route):.*\r\n/gim;
      const lines = [...request.matchAll(fields)].map(([line]) => line.replace(/^(To:.*)\r\n/, '$1;tag=g\r\n'));
      await reply?.send(`SIP/2.0 180 Ringing\r\n${lines.join('')}Content-Length: 0\r\n\r\n`, port, '127.0.0.1');
      await until('it rings', () => caller.received.some(({ text: each }) => each.startsWith('SIP/2.0 180')));

      // The process that has the call counts it a moment later.
      await until('it is counted', async () => /rcv_replies\D+[1-9]/.test(JSON.stringify(await everything())));
      const before = await everything();
      const first = await explained();
      assert.deepEqual(await everything(), before);
      const marked = await explained('mark');
      assert.ok(marked.steps.some(({ text: line, result }) => line.includes('ds_mark_dst') && result === 'yes'));
      assert.deepEqual(await everything(), before);

      // It starts from the daemon's state: one call is counted and in progress, and the round robin is at the other
      // gateway.
      assert.deepEqual(first.log, ['ERROR number 2 of 2']);
      assert.deepEqual(goesTo(await explained()), goesTo(first));
      const other = gateways.find((each) => each !== reply);
      assert.deepEqual(goesTo(first), [other?.port]);
      await caller.send(invite('bob', 'real2@test', caller.port), daemon.port, '127.0.0.1');
      await until('the next call goes where explain said', () => (other?.received.length ?? 0) > 0);
    });

    test('an explanation uses the states assumed in the command, and current states otherwise', async () => {
      await ready;
      const [port = 0] = goesTo(await explained());
      const address = `sip:127.0.0.1:${port}`;
      const assumed = (await mi('explain', { request: invite('bob'), states: `${address}=i` })) as Result;
      assert.notDeepEqual(goesTo(assumed), [port]);
      assert.deepEqual(goesTo(await explained()), [port]);
      await mi('ds_set_state', { state: 'i', group: 1, address });
      assert.notDeepEqual(goesTo(await explained()), [port]);
      await mi('ds_set_state', { state: 'a', group: 1, address });
    });

    test('a statement is shown as it was loaded, also after the file has changed', async () => {
      await ready;
      writeFileSync(join(daemon.folder, 'proxy.cfg'), '# another text\n'.repeat(60));
      const { steps } = await explained();
      assert.ok(steps.some(({ text: line }) => line === 't_relay();'));
      assert.ok(steps.every(({ text: line }) => !line.includes('another text')));
    });

    test('a user restricted to partitions may not see the script; a text that is not a SIP request is refused', async () => {
      await ready;
      const asked = async (token: string, params: object) => {
        const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
        const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'explain', params });
        const response = await fetch(`http://127.0.0.1:${http}/mi`, { method: 'POST', headers, body });
        return JSON.stringify(await response.json());
      };
      const refused = await asked(tokens.tenant, { request: invite('bob') });
      assert.match(refused, /"code":403/);
      assert.doesNotMatch(refused, /steps|127\.0\.0\.1/);
      assert.match(await asked(tokens.all, { request: invite('bob') }), /"steps":\[/);
      assert.match(await asked(tokens.all, { request: 'nonsense' }), /not a SIP request/);
      assert.match(await asked(tokens.all, { request: invite('bob'), source: 'x' }), /expected an address/);
      const both = await Promise.allSettled([explained(), explained()]);
      assert.match(String((both[1] as PromiseRejectedResult).reason.data), /another request is being explained/);
    });
  });
}
