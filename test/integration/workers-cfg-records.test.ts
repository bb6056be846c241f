import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { loadLibc } from '../../src/sip/transport/native/libc.js';
import { type CfgDaemon, startCfgDaemon } from '../support/cfg-daemon.js';
import { headersOf, RawAgent, type RawMessage, routeLines } from '../support/raw-agent.js';
import { executeSqlite, selectSqlite } from '../support/sqlite-file.js';
import { until } from '../support/until.js';

const skip = 'libc' in (await loadLibc()) ? false : 'the system calls are not available';

const TO = '<sip:b@b>;tag=tt';

const OPENSIPS = (gateway: string) => `
socket=LISTEN
loadmodule "proto_udp.so"
loadmodule "signaling.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sipmsgops.so"
loadmodule "dialog.so"
loadmodule "acc.so"
loadmodule "statistics.so"
modparam("statistics", "variable", "begun")
modparam("acc", "extra_fields", "log: user->src_user; db: user->caller")
modparam("acc", "db_url", "sqlite:///FOLDER/acc.db")
route {
  if (has_totag()) { loose_route(); t_relay(); exit; }
  if (is_method("OPTIONS")) { append_to_reply("X-Process: $pp\\r\\nX-Counts: $stat(begun) $stat(active_dialogs)\\r\\n"); send_reply(200, "OK"); exit; }
  append_hf("X-Process: $pp\\r\\n");
  record_route();
  create_dialog();
  update_stat("begun", "+1");
  do_accounting("log|db", "cdr");
  $acc_extra(user) = $fU;
  $du = "${gateway}";
  t_relay();
}
`;

describe('records of whole calls of OpenSIPS whose worker dies', { skip }, () => {
  const open: (() => void | Promise<void>)[] = [];
  after(async () => {
    for (const close of open.reverse()) await close();
  });

  test('are written when the calls end: in the log and in the table, each once', async () => {
    const [caller, gateway] = [await RawAgent.open('127.0.0.1'), await RawAgent.open('127.0.0.1')];
    open.push(
      () => caller.close(),
      () => gateway.close(),
    );
    const daemon: CfgDaemon = await startCfgDaemon({
      text: OPENSIPS(gateway.uri),
      json: { workers: 2, worker_spread: 'even' },
      prepare: (folder) =>
        executeSqlite(
          join(folder, 'acc.db'),
          `CREATE TABLE acc (id INTEGER PRIMARY KEY, method TEXT, from_tag TEXT, to_tag TEXT, callid TEXT, sip_code TEXT,
             sip_reason TEXT, time TEXT, created TEXT, duration INTEGER, ms_duration INTEGER, setuptime INTEGER, caller TEXT)`,
        ),
    });
    open.push(() => daemon.stop());
    const calls = new Map<string, { readonly process: string; readonly more: string }>();
    for (let i = 0; i < 60; i++) {
      const callId = `whole${i}`;
      caller.send(caller.request('INVITE', 'sip:bob@example.com', { callId }), daemon.port);
      const invite = await gateway.next('INVITE');
      gateway.answer(invite, 200, 'OK');
      const more = routeLines((await caller.next('200')).text);
      caller.send(caller.request('ACK', gateway.uri, { callId, to: TO, more }), daemon.port);
      await gateway.next('ACK');
      calls.set(callId, { process: headersOf(invite.text, 'x-process')[0] ?? '', more });
      const workers = new Set([...calls.values()].map((each) => each.process));
      if (i > 3 && workers.size === 2 && !workers.has(String(process.pid))) break;
    }
    // What all processes count together each of them can read.
    const counts = new Map<string, string>();
    for (let i = 0; i < 16; i++) {
      caller.send(caller.request('OPTIONS', 'sip:x@example.com', { callId: `s${i}` }), daemon.port);
      const { text } = await caller.nextOf(`s${i}`, '200');
      counts.set(headersOf(text, 'x-process')[0] ?? '', headersOf(text, 'x-counts')[0] ?? '');
    }
    assert.deepEqual([...counts.values()], [`${calls.size} ${calls.size}`, `${calls.size} ${calls.size}`]);
    const victim = [...calls.values()].at(-1)?.process ?? '';
    assert.notEqual(victim, String(process.pid));
    process.kill(Number(victim), 'SIGKILL');
    await until('a line says so', () => daemon.log.some((line) => line.startsWith('the dialogs of a dead worker')));
    await until('it is replaced', async () => {
      const seen = new Set<string>();
      for (let i = 0; i < 16 && seen.size < 2; i++) {
        caller.send(caller.request('OPTIONS', 'sip:x@example.com', { callId: `o${Math.random()}` }), daemon.port);
        const reply = await caller.next('200').catch(() => undefined);
        if (reply !== undefined) seen.add(headersOf(reply.text, 'x-process')[0] ?? '');
      }
      return seen.size === 2 && !seen.has(victim) && !seen.has(String(process.pid));
    });
    for (const [callId, { more }] of calls) {
      caller.send(caller.request('BYE', gateway.uri, { callId, cseq: 9, to: TO, more }), daemon.port);
      // A repeated BYE of an earlier call may come late.
      const repeated = (bye: RawMessage) => gateway.answer(bye, 200, 'OK');
      gateway.answer(await gateway.nextOf(callId, 'BYE', repeated), 200, 'OK');
      await caller.nextOf(callId, '200');
    }
    const rows = () =>
      selectSqlite(join(daemon.folder, 'acc.db'), 'SELECT callid, method, caller, ms_duration, setuptime FROM acc');
    const idsIn = (found: readonly Record<string, unknown>[]) => found.map(({ callid }) => String(callid)).sort();
    await until('a row of each call', () => rows().length >= calls.size, { show: rows });
    assert.deepEqual(idsIn(rows()), [...calls.keys()].sort());
    for (const { method, caller: user, ms_duration: duration, setuptime } of rows()) {
      assert.deepEqual([method, user], ['INVITE', 'alice']);
      assert.ok(Number(duration) >= 0 && Number(duration) < 600_000, `${duration} ms`);
      assert.ok(Number(setuptime) >= 0 && Number(setuptime) < 600, `${setuptime} s`);
    }
    const lines = () => daemon.log.filter((line) => line.startsWith('ACC: call ended: created='));
    await until('a line of each call', () => lines().length === calls.size, { show: lines });
    for (const line of lines()) assert.match(line, /;method=INVITE;.*;code=200;reason=OK;src_user=alice$/);
  });
});
