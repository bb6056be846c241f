import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type CfgDaemon, startCfgDaemon } from '../support/cfg-daemon.js';
import { diagnosed, type FailedCall, FailingTargets, inviteWithoutHops } from '../support/failed-calls.js';
import { freePort } from '../support/ports.js';
import type { Caller } from '../support/sip-endpoints.js';
import { executeSqlite } from '../support/sqlite-file.js';

/** The set that each user's calls are sent to: the same numbers in both files. */
const SETS = ['timeout', 'busy', 'refused', 'none', 'cancel', 'loop', 'name', 'barred'];

const kamailio = (ports: { udp: number; tcp: number; tls: number }) => `#!KAMAILIO
listen=LISTEN
listen=udp:127.0.0.1:${ports.udp}
listen=tcp:127.0.0.1:${ports.tcp}
listen=tls:127.0.0.1:${ports.tls}
enable_tls=yes
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "tls.so"
loadmodule "dispatcher.so"
modparam("tm", "fr_timer", 1000)
modparam("dispatcher", "list_file", "FOLDER/dispatcher.list")
modparam("dispatcher", "flags", 2)
request_route {
  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  if (has_totag()) { loose_route(); t_relay(); exit; }
  if ($rU == "nobody") { sl_send_reply("404", "No Such User"); exit; }
  if ($rU == "dns") $du = "sip:nowhere.invalid";
  else if ($rU == "loop") $du = "sip:127.0.0.1:${ports.udp}";
  else {
    $var(set) = 0;
${SETS.map((user, i) => `    if ($rU == "${user}") $var(set) = ${i + 1};`).join('\n')}
    if (!ds_select_dst("$var(set)", "4")) { sl_send_reply("503", "No Gateway"); exit; }
    record_route();
    t_on_failure("NEXT");
  }
  if (!t_relay()) sl_reply_error();
}
failure_route[NEXT] { if (t_is_canceled()) exit; if (t_check_status("503") && ds_next_dst()) { t_on_failure("NEXT"); t_relay(); } }
`;

const opensips = (ports: { udp: number; tcp: number; tls: number }) => `#!OPENSIPS
socket=LISTEN
socket=udp:127.0.0.1:${ports.udp}
socket=tcp:127.0.0.1:${ports.tcp}
socket=tls:127.0.0.1:${ports.tls}
dst_blacklist = closed:{(any, 127.0.0.94, 0, "")}
loadmodule "proto_udp.so"
loadmodule "proto_tcp.so"
loadmodule "proto_tls.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sl.so"
loadmodule "signaling.so"
loadmodule "maxfwd.so"
loadmodule "sipmsgops.so"
loadmodule "dispatcher.so"
modparam("tm", "fr_timeout", 1)
loadmodule "db_sqlite.so"
modparam("dispatcher", "db_url", "sqlite:///FOLDER/db.sqlite")
route {
  if (!mf_process_maxfwd_header(10)) { send_reply(483, "Too Many Hops"); exit; }
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  if (has_totag()) { loose_route(); t_relay(); exit; }
  if ($rU == "nobody") { send_reply(404, "No Such User"); exit; }
  if ($rU == "dns") { $du = "sip:nowhere.invalid"; }
  else if ($rU == "loop") { $du = "sip:127.0.0.1:${ports.udp}"; }
  else {
    $var(set) = 0;
${SETS.map((user, i) => `    if ($rU == "${user}") $var(set) = ${i + 1};`).join('\n')}
    if (!ds_select_dst($var(set), 4, "f")) { send_reply(503, "No Gateway"); exit; }
    record_route();
    t_on_failure("NEXT");
    if ($rU == "barred") use_blacklist("closed");
  }
  if (!t_relay()) sl_reply_error();
}
failure_route[NEXT] { if (t_was_cancelled()) exit; if (t_check_status("503") && ds_next_dst()) { t_on_failure("NEXT"); t_relay(); } }
`;

const TABLE = `CREATE TABLE version (table_name TEXT, table_version INTEGER);
INSERT INTO version VALUES ('dispatcher', 9);
CREATE TABLE dispatcher (id INTEGER PRIMARY KEY, setid INTEGER, destination TEXT, socket TEXT DEFAULT '', state INTEGER DEFAULT 0,
  probe_mode INTEGER DEFAULT 0, weight TEXT DEFAULT '1', priority INTEGER DEFAULT 0, attrs TEXT DEFAULT '', description TEXT DEFAULT '');`;

/** Only opensips.cfg has blacklists; the replies that tm generates differ. */
const OWN: Readonly<Record<'kamailio' | 'opensips', readonly FailedCall[]>> = {
  kamailio: [
    // The caller receives both replies, as in Kamailio, and uses the first.
    {
      user: 'dns',
      code: 478,
      record: /478 after .*\n.*\n {4}.*\(478\/SL\); Unresolvable destination \(478\/TM\) \(nowhere\.invalid\)/,
      why: /\$du = sip:nowhere/,
    },
  ],
  opensips: [
    {
      user: 'dns',
      code: 476,
      record: /Unresolvable destination \(476\/TM\) \(nowhere\.invalid\)/,
      why: /\$du = sip:nowhere/,
    },
    {
      user: 'barred',
      code: 473,
      record: /Filtered destination \(473\/TM\) \(127\.0\.0\.94:\d+\)/,
      why: /use_blacklist.*\n {4}returns 1/,
    },
  ],
};

for (const [dialect, text] of [
  ['kamailio', kamailio],
  ['opensips', opensips],
] as const) {
  describe(`a failed call of ${dialect}.cfg is recorded with its cause`, { timeout: 60_000 }, () => {
    const own = OWN[dialect];
    let daemon: CfgDaemon;
    let caller: Caller;
    let to = '';
    let targets: FailingTargets;

    before(async () => {
      targets = await FailingTargets.open('127.0.0.95');
      caller = targets.caller;
      const mi = await freePort();
      to = `udp:127.0.0.1:${mi}`;
      const uris = [
        await targets.gateway('127.0.0.91', () => 'silent'),
        await targets.gateway('127.0.0.92', () => 503),
        `sip:127.0.0.1:${await freePort()};transport=tcp`,
        'sip:127.0.0.1:9',
        await targets.gateway('127.0.0.93', () => ({ status: 200, ringMs: 5000 })),
        'sip:127.0.0.1:9',
        targets.wrongName,
        await targets.gateway('127.0.0.94', () => 200),
      ];
      daemon = await startCfgDaemon({
        text: text({ udp: await freePort(), tcp: await freePort(), tls: await freePort() }),
        json: {
          mi: { datagram: [{ socket_name: to }] },
          tls: targets.tls(),
        },
        prepare: (folder) => {
          const rows = uris.map((uri, i) => ({ set: i + 1, uri, state: uri.endsWith(':9') ? 1 : 0 }));
          const lines = rows.map(({ set, uri, state }) => `${set} ${uri} ${state}\n`);
          writeFileSync(join(folder, 'dispatcher.list'), lines.join(''));
          const inserts = rows.map(
            ({ set, uri, state }) =>
              `INSERT INTO dispatcher (setid, destination, state) VALUES (${set}, '${uri}', ${state});`,
          );
          executeSqlite(join(folder, 'db.sqlite'), `${TABLE}${inserts.join('')}`);
        },
      });
    });

    after(async () => {
      await daemon?.stop();
      await targets?.close();
    });

    const diagnosis = (user: string, callId: string) => diagnosed({ to, source: '127.0.0.95' }, user, callId);
    const common: readonly FailedCall[] = [
      {
        user: 'timeout',
        code: 408,
        record: /set 1\n {4}1\. .*: 408 \(our own\) timeout after 1\d\d\d/,
        why: /sends to 127\.0\.0\.91:/,
      },
      {
        user: 'busy',
        code: 500,
        record: /set 2\n {4}1\. sip:127\.0\.0\.92:\d+ .*: 503 after/,
        why: /sends to 127\.0\.0\.92:/,
      },
      { user: 'refused', code: 477, record: /1\. .*: 477 \(our own\) refused/, why: /\$var\(set\) = 3/ },
      {
        user: 'none',
        code: 503,
        record: /by the script, partition default, set 4\n {4}No Gateway; no destination selected/,
        why: /!ds_select_dst.*\n {4}yes: \$var\(set\) = 4/,
      },
      { user: 'nobody', code: 404, record: /No Such User/, why: /\$rU == "nobody"[^\n]*\n {4}yes: \$rU = nobody/ },
      {
        user: 'loop',
        code: 483,
        record: /from udp:127\.0\.0\.1:.*\n {4}1\. .*\(udp:127\.0\.0\.1:\d+\): 483 after/,
        why: /sends to 127\.0\.0\.1:/,
      },
      { user: 'name', code: 477, record: /1\. .*;transport=tls .*: 477 \(our own\) tls/, why: /\$var\(set\) = 7/ },
    ];

    for (const { user, code, record, why } of [...common, ...own]) {
      test(user, async () => {
        const result = await caller.placeCall({ ruri: `sip:${user}@example.com`, proxy: daemon.proxy });
        assert.equal(result.status, code);
        const found = await diagnosis(user, result.callId);
        assert.match(found.record, record);
        assert.match(found.why, why);
        if (user !== 'loop') assert.equal(found.record.match(/Call-ID/g)?.length, 1, found.record);
      });
    }

    test('cancel', async () => {
      const result = await caller.placeCall({ ruri: 'sip:cancel@example.com', proxy: daemon.proxy, cancelOn: 180 });
      assert.equal(result.status, 487);
      const { record, why } = await diagnosis('cancel', result.callId);
      assert.match(record, /487 after .*the caller gave up, rang after/);
      assert.match(why, /sends to 127\.0\.0\.93:/);
    });

    test('too many hops', async (t) => {
      t.after(await inviteWithoutHops('127.0.0.96', daemon.port));
      const { record, why } = await diagnosis('hops', 'hops@1');
      assert.match(record, /483 after 0 ms\n.*\n {4}Too Many Hops/);
      assert.match(why, /!mf_process_maxfwd_header.*\n {4}yes[\s\S]*SIP\/2\.0 483 /);
    });
  });
}
