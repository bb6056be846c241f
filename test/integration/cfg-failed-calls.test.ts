import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { createServer } from 'node:tls';
import { calls } from '../../src/cli/calls/calls.js';
import { explain } from '../../src/cli/explain/explain.js';
import { TestAuthority } from '../support/certificates.js';
import { type CfgDaemon, startCfgDaemon } from '../support/cfg-daemon.js';
import { freePort } from '../support/ports.js';
import { type Caller, type Gateway, startCaller, startGateway } from '../support/sip-endpoints.js';
import { executeSqlite } from '../support/sqlite-file.js';
import { until } from '../support/until.js';

/** The set that a user's calls go to: the same numbers in both files. */
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

interface Case {
  readonly user: string;
  readonly code: number;
  readonly record: RegExp;
  readonly why: RegExp;
}

const TABLE = `CREATE TABLE version (table_name TEXT, table_version INTEGER);
INSERT INTO version VALUES ('dispatcher', 9);
CREATE TABLE dispatcher (id INTEGER PRIMARY KEY, setid INTEGER, destination TEXT, socket TEXT DEFAULT '', state INTEGER DEFAULT 0,
  probe_mode INTEGER DEFAULT 0, weight TEXT DEFAULT '1', priority INTEGER DEFAULT 0, attrs TEXT DEFAULT '', description TEXT DEFAULT '');`;

/** Blacklists are of opensips.cfg; what tm answers by itself differs. */
const OWN: Readonly<Record<'kamailio' | 'opensips', readonly Case[]>> = {
  kamailio: [
    // The caller gets both replies, as of Kamailio, and takes the first.
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
    const gateways: Gateway[] = [];
    const closers: (() => unknown)[] = [];

    before(async () => {
      const gateway = async (host: string, answer: Parameters<typeof startGateway>[0]['answer']) => {
        const made = await startGateway({ host, name: 'gw', ...(answer === undefined ? {} : { answer }) });
        gateways.push(made);
        return made.uri;
      };
      const authority = new TestAuthority();
      closers.push(() => authority.remove());
      const ours = authority.issue('proxy', ['IP:127.0.0.1']);
      const theirs = authority.issue('other', ['DNS:other.example']);
      const server = createServer({ cert: readFileSync(theirs.cert), key: readFileSync(theirs.key) });
      server.on('tlsClientError', () => {});
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      closers.push(() => server.close());
      caller = await startCaller({ host: '127.0.0.95' });
      closers.push(() => caller.stop());
      const mi = await freePort();
      to = `udp:127.0.0.1:${mi}`;
      const uris = [
        await gateway('127.0.0.91', () => 'silent'),
        await gateway('127.0.0.92', () => 503),
        `sip:127.0.0.1:${await freePort()};transport=tcp`,
        'sip:127.0.0.1:9',
        await gateway('127.0.0.93', () => ({ status: 200, ringMs: 5000 })),
        'sip:127.0.0.1:9',
        `sip:127.0.0.1:${(server.address() as AddressInfo).port};transport=tls`,
        await gateway('127.0.0.94', () => 200),
      ];
      daemon = await startCfgDaemon({
        text: text({ udp: await freePort(), tcp: await freePort(), tls: await freePort() }),
        json: {
          mi: { datagram: [{ socket_name: to }] },
          tls: { certificate: ours.cert, private_key: ours.key, ca: authority.ca, verify_server: true },
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
      closers.push(() => daemon.stop());
    });

    after(async () => {
      for (const each of gateways) each.kill();
      for (const close of closers.reverse()) await close();
    });

    async function diagnosed(user: string, callId: string): Promise<{ record: string; why: string }> {
      const output = () => {
        const lines: string[] = [];
        return { lines, io: { out: (line: string) => void lines.push(line), err: () => {}, stdin: Readable.from([]) } };
      };
      const record = output();
      await until('listed', async () => {
        record.lines.length = 0;
        await calls({ to, 'call-id': callId }, record.io);
        return record.lines.length > 0;
      });
      const why = output();
      const request =
        `INVITE sip:${user}@example.com SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.95;branch=z9hG4bK1\nFrom: <sip:a@b>;tag=1\n` +
        `To: <sip:${user}@example.com>\nCall-ID: ${callId}\nCSeq: 1 INVITE\nMax-Forwards: ${user === 'hops' ? 0 : 70}\n\n`;
      await explain({ to, source: '127.0.0.95' }, '-', { ...why.io, stdin: Readable.from([Buffer.from(request)]) });
      return { record: record.lines.join(''), why: why.lines.join('') };
    }
    const common: readonly Case[] = [
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
        const found = await diagnosed(user, result.callId);
        assert.match(found.record, record);
        assert.match(found.why, why);
        if (user !== 'loop') assert.equal(found.record.match(/Call-ID/g)?.length, 1, found.record);
      });
    }

    test('cancel', async () => {
      const result = await caller.placeCall({ ruri: 'sip:cancel@example.com', proxy: daemon.proxy, cancelOn: 180 });
      assert.equal(result.status, 487);
      const { record, why } = await diagnosed('cancel', result.callId);
      assert.match(record, /487 after .*the caller gave up, rang after/);
      assert.match(why, /sends to 127\.0\.0\.93:/);
    });

    test('too many hops', async (t) => {
      const socket = createSocket('udp4');
      t.after(() => socket.close());
      await new Promise<void>((resolve) => socket.bind(0, '127.0.0.96', resolve));
      const { port } = socket.address();
      const request =
        `INVITE sip:hops@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.96:${port};branch=z9hG4bKh\r\nFrom: <sip:a@b>;tag=1\r\n` +
        'To: <sip:hops@example.com>\r\nCall-ID: hops@1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 0\r\nContent-Length: 0\r\n\r\n';
      socket.send(request, daemon.port, '127.0.0.1');
      const { record, why } = await diagnosed('hops', 'hops@1');
      assert.match(record, /483 after 0 ms\n.*\n {4}Too Many Hops/);
      assert.match(why, /!mf_process_maxfwd_header.*\n {4}yes[\s\S]*SIP\/2\.0 483 /);
    });
  });
}
