import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { loadLibc } from '../../src/sip/transport/native/libc.js';
import { type CfgDaemon, startCfgDaemon } from '../support/cfg-daemon.js';
import { headersOf, RawAgent, type RawMessage, routeLines } from '../support/raw-agent.js';
import { executeSqlite, selectSqlite } from '../support/sqlite-file.js';
import { until } from '../support/until.js';

const skip = 'libc' in (await loadLibc()) ? false : 'the system calls are not available';

const KAMAILIO = (gateway: RawAgent) => `#!KAMAILIO
listen=LISTEN advertise 203.0.113.7:5090
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "statistics.so"
loadmodule "counters.so"
loadmodule "db_sqlite.so"
loadmodule "acc.so"
loadmodule "dialog.so"
modparam("dialog", "profiles_with_value", "caller")
modparam("dialog", "profiles_no_value", "all")
modparam("statistics", "variable", "begun")
modparam("counters", "script_counter", "ended")
modparam("acc", "db_url", "sqlite:///FOLDER/acc.db")
modparam("acc", "db_flag", 1)
modparam("acc", "cdr_enable", 1)
modparam("acc", "cdrs_table", "cdrs")
request_route {
  if (is_method("OPTIONS")) {
    get_profile_size("all", "$var(all)");
    get_profile_size("caller", "$fU", "$var(caller)");
    append_to_reply("X-Counts: $pp $DLG_count $var(all) $var(caller)\\r\\n");
    sl_send_reply("200", "OK");
    exit;
  }
  if (has_totag()) {
    if (is_method("BYE")) cnt_inc("ended");
    loose_route();
    t_relay();
    exit;
  }
  record_route();
  setflag(1);
  update_stat("begun", "+1");
  dlg_manage();
  set_dlg_profile("all");
  set_dlg_profile("caller", "$fU");
  $dlg_var(process) = "p" + $pp;
  append_hf("X-Process: $pp\\r\\n");
  $du = "${gateway.uri}";
  t_relay();
}
event_route[dialog:end] { xlog("ended $dlg_var(process) $pp\\n"); }
`;

const TO = '<sip:bob@b.example>;tag=tt';

describe('dialogs, accounting and statistics of a script with two workers', { skip }, () => {
  let caller: RawAgent;
  let gateway: RawAgent;
  let daemon: CfgDaemon;
  /** Data of each call: its Route, and the process that has its dialog. */
  const calls = new Map<string, { readonly routes: string; readonly process: string; readonly invite: RawMessage }>();
  const open: (() => unknown)[] = [];
  after(async () => {
    for (const close of open.reverse()) await close();
  });

  const establish = async (callId: string): Promise<void> => {
    caller.send(caller.request('INVITE', 'sip:bob@example.com', { callId }), daemon.port);
    const invite = await gateway.next('INVITE');
    gateway.answer(invite, 200, 'OK');
    const routes = routeLines((await caller.next('200')).text);
    caller.send(caller.request('ACK', gateway.uri, { callId, to: TO, more: routes }), daemon.port);
    await gateway.next('ACK');
    assert.match(routes, /203\.0\.113\.7:5090/, 'what is advertised is ours in a worker, too');
    calls.set(callId, { routes, process: headersOf(invite.text, 'x-process')[0] ?? '', invite });
  };
  /** $DLG_count and the sizes of the profiles, as each process sees them. */
  const counts = async (): Promise<ReadonlyMap<string, string>> => {
    const seen = new Map<string, string>();
    for (let i = 0; i < 16; i++) {
      caller.send(caller.request('OPTIONS', 'sip:x@example.com', { callId: `${Math.random()}` }), daemon.port);
      const [process = '', ...rest] = (headersOf((await caller.next('200')).text, 'x-counts')[0] ?? '').split(' ');
      seen.set(process, rest.join(' '));
    }
    return seen;
  };
  const allSee = (wanted: string): Promise<void> =>
    until(`all processes count ${wanted}`, async () => [...(await counts()).values()].every((each) => each === wanted));
  const rpc = async (method: string, ...params: unknown[]): Promise<unknown> =>
    ((await daemon.daemon.callRpc(method, params)) as { result?: unknown }).result;
  const statistic = async (name: string): Promise<unknown> => {
    const answer = JSON.stringify(await daemon.daemon.mi.execute('get_statistics', { statistics: [name] }));
    return Object.values(JSON.parse(answer) as Record<string, number>)[0];
  };

  test('both workers run the script', async () => {
    [caller, gateway] = [await RawAgent.open('127.0.0.1'), await RawAgent.open('127.0.0.1')];
    open.push(
      () => caller.close(),
      () => gateway.close(),
    );
    daemon = await startCfgDaemon({
      text: KAMAILIO(gateway),
      json: { workers: 2, worker_spread: 'even' },
      prepare: (folder) =>
        executeSqlite(
          join(folder, 'acc.db'),
          `CREATE TABLE acc (method TEXT, from_tag TEXT, to_tag TEXT, callid TEXT, sip_code TEXT, sip_reason TEXT, time TEXT);
           CREATE TABLE cdrs (start_time TEXT, end_time TEXT, duration REAL);`,
        ),
    });
    open.push(() => daemon.stop());
    await until('both workers run it, and nobody else', async () => {
      const seen = await counts();
      return seen.size === 2 && !seen.has(String(process.pid));
    });
  });

  test('dialogs, profiles and statistics counted in one process count in all', async () => {
    for (let i = 0; i < 40; i++) {
      if (i >= 8 && new Set([...calls.values()].map((each) => each.process)).size === 2) break;
      await establish(`call${i}@x`);
    }
    const count = calls.size;
    const a = [...calls.values()].filter((each) => each.process === calls.get('call0@x')?.process).length;
    const b = count - a;
    assert.ok(a > 0 && b > 0, `${a} and ${b}`);
    await allSee(`${count} ${count} ${count}`);
    assert.equal(await statistic('begun'), count);
    const ids = (await rpc('dlg.list')) as { h_id: number }[];
    assert.equal(ids.length, count);
    assert.equal(new Set(ids.map(({ h_id }) => h_id)).size, count, 'each has an id of its own');
    assert.deepEqual(await rpc('dlg.profile_get_size', 'caller', 'alice'), [count]);
    assert.deepEqual(await rpc('dlg.stats_active'), {
      starting: 0,
      connecting: 0,
      answering: 0,
      ongoing: count,
      all: count,
    });
  });

  test('a BYE of either side ends the dialog where it is kept, and its records are written', async () => {
    const before = calls.size;
    const ended: string[] = [];
    for (const wanted of new Set([...calls.values()].map((each) => each.process))) {
      const [callId = '', call] = [...calls].find(([, { process }]) => process === wanted) ?? [];
      if (call === undefined) continue;
      const [from, to] = ended.length === 0 ? [caller, gateway] : [gateway, caller];
      const bye = { callId, cseq: 9, more: call.routes };
      if (from === caller) caller.send(caller.request('BYE', gateway.uri, { ...bye, to: TO }), daemon.port);
      else {
        const ends = { from: TO, to: '<sip:alice@a.example>;tag=ft' };
        const more = headersOf(call.invite.text, 'record-route')
          .map((each) => `Route: ${each}\r\n`)
          .join('');
        gateway.send(gateway.request('BYE', caller.uri, { ...bye, ...ends, more }), daemon.port);
      }
      to.answer(await to.next('BYE'), 200, 'OK');
      await from.next('200');
      calls.delete(callId);
      ended.push(wanted);
    }
    assert.equal(ended.length, 2);
    await allSee(`${before - 2} ${before - 2} ${before - 2}`);
    assert.equal(await statistic('ended'), 2);
    await until('both routes of the event ran', () => daemon.script.length === 2);
    assert.deepEqual([...daemon.script].sort(), ended.map((each) => `ended p${each} ${each}`).sort());
    const rows = (table: string) => selectSqlite(join(daemon.folder, 'acc.db'), `SELECT * FROM ${table}`);
    await until('a record of each INVITE', () => rows('acc').length === before, { show: () => rows('acc').length });
    await until('a record of each call', () => rows('cdrs').length === 2, { show: () => rows('cdrs') });
  });

  test('a command ends a dialog in whichever process it is kept; one for an unknown dialog is refused', async () => {
    for (const process of new Set([...calls.values()].map((each) => each.process))) {
      const [callId = ''] = [...calls].find(([, each]) => each.process === process) ?? [];
      const found = (await rpc('dlg.dlg_list', callId)) as { h_entry: number; h_id: number };
      assert.equal(await rpc('dlg.end_dlg', found.h_entry, found.h_id), 'OK');
      gateway.answer(await gateway.next('BYE'), 200, 'OK');
      caller.answer(await caller.next('BYE'), 200, 'OK');
      calls.delete(callId);
    }
    await allSee(`${calls.size} ${calls.size} ${calls.size}`);
    const refused = (await daemon.daemon.callRpc('dlg.dlg_list', ['nobody@x'])) as { error: { message: string } };
    assert.equal(refused.error.message, 'Dialog not found');
  });

  test('a BYE ends the dialog of a worker while calls are traced, and is traced as well', async () => {
    await establish('traced@x');
    const trace = (await daemon.daemon.mi.execute('trace_start', { one_in: 1, seconds: 60 })) as object;
    await until('the brain runs the script', async () => [...(await counts()).keys()].join() === `${process.pid}`);
    const { routes = '' } = calls.get('traced@x') ?? {};
    const before = calls.size;
    caller.send(caller.request('BYE', gateway.uri, { callId: 'traced@x', cseq: 9, to: TO, more: routes }), daemon.port);
    gateway.answer(await gateway.next('BYE'), 200, 'OK');
    await caller.next('200');
    calls.delete('traced@x');
    await allSee(`${before - 1} ${before - 1} ${before - 1}`);
    // Each message is traced once and in order, although the worker has the dialog.
    const [session] = daemon.daemon.traces.tracer.list();
    const seen = () =>
      (session?.messages ?? [])
        .filter(({ callId }) => callId === 'traced@x')
        .map(({ direction, text }) => `${direction} ${/^(?:SIP\/2\.0 )?(\w+)/.exec(text)?.[1]}`);
    await until('all of it are traced', () => seen().length >= 4, { show: seen });
    assert.deepEqual(seen(), ['in BYE', 'out BYE', 'in 200', 'out 200']);
    await daemon.daemon.mi.execute('trace_stop', { id: Object.values(trace)[0] as number });
  });

  test('the counts of a killed worker are subtracted, and those of the other stay', async () => {
    for (let i = 0; i < 40; i++) {
      await establish(`later${i}@x`);
      if (new Set([...calls.values()].map((each) => each.process)).size === 2) break;
    }
    const victim = [...calls.values()][0]?.process ?? '';
    const kept = [...calls.values()].filter((each) => each.process !== victim).length;
    assert.ok(kept > 0);
    process.kill(Number(victim), 'SIGKILL');
    await until('it is replaced', async () => {
      const seen = await counts().catch(() => new Map<string, string>());
      return seen.size === 2 && !seen.has(victim) && !seen.has(String(process.pid));
    });
    await allSee(`${kept} ${kept} ${kept}`);
    assert.equal(((await rpc('dlg.list')) as unknown[]).length, kept);
    const lines = daemon.log.filter((line) => line.startsWith('the dialogs of a dead worker have ended'));
    assert.equal(lines.length, 1, 'a line in the log says so');
  });

  test('the record of a call whose worker has died is written at its BYE, with its duration', async () => {
    const rows = () => selectSqlite(join(daemon.folder, 'acc.db'), 'SELECT * FROM cdrs') as { duration: number }[];
    const before = rows().length;
    const living = new Set((await counts()).keys());
    const orphans = [...calls].filter(([, each]) => !living.has(each.process));
    assert.ok(orphans.length > 0);
    for (const [callId, { routes }] of orphans) {
      caller.send(caller.request('BYE', gateway.uri, { callId, cseq: 9, to: TO, more: routes }), daemon.port);
      // A repeated BYE of an earlier call may come late.
      const repeated = (bye: RawMessage) => gateway.answer(bye, 200, 'OK');
      gateway.answer(await gateway.nextOf(callId, 'BYE', repeated), 200, 'OK');
      await caller.nextOf(callId, '200');
      calls.delete(callId);
    }
    await until('a record of each', () => rows().length === before + orphans.length, { show: rows });
    for (const { duration } of rows().slice(before)) assert.ok(duration >= 0 && duration < 600, String(duration));
  });
});
