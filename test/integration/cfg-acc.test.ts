import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect } from 'nats';
import { type CfgDaemon, startCfgDaemon } from '../support/cfg-daemon.js';
import { startNatsServer } from '../support/servers.js';
import { type Caller, type Gateway, startCaller, startGateway } from '../support/sip-endpoints.js';
import { executeSqlite, selectSqlite } from '../support/sqlite-file.js';
import { until } from '../support/until.js';

const open: (() => unknown)[] = [];
after(async () => {
  for (const close of open.reverse()) await close();
});

async function peers(answer: number): Promise<{ gateway: Gateway; caller: Caller }> {
  const gateway = await startGateway({
    host: '127.0.0.41',
    name: 'gw',
    answer: () => ({ status: answer, ringMs: 20 }),
  });
  const caller = await startCaller({ host: '127.0.0.42', name: 'alice' });
  open.push(
    () => gateway.kill(),
    () => caller.stop(),
  );
  return { gateway, caller };
}

async function served(text: string, json: Record<string, unknown> = {}): Promise<CfgDaemon> {
  const daemon = await startCfgDaemon({
    text,
    json,
    prepare: (folder) => {
      for (const table of ['acc', 'missed_calls'])
        executeSqlite(
          join(folder, 'acc.db'),
          `create table ${table} (id integer primary key, method text, from_tag text, to_tag text, callid text, sip_code text, sip_reason text, time text, ua text, created text, duration int, ms_duration int, setuptime int)`,
        );
      executeSqlite(
        join(folder, 'acc.db'),
        'create table cdrs (id integer primary key, start_time text, end_time text, duration real, src text)',
      );
    },
  });
  open.push(() => daemon.stop());
  return daemon;
}

const KAMAILIO = (gateway: string) => `#!KAMAILIO
listen=LISTEN
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "dialog.so"
loadmodule "acc.so"
loadmodule "db_sqlite.so"
modparam("acc", "log_flag", 1)
modparam("acc", "log_missed_flag", 2)
modparam("acc", "db_flag", 1)
modparam("acc", "db_missed_flag", 2)
modparam("acc", "failed_transaction_flag", 3)
modparam("acc", "db_url", "sqlite:///FOLDER/acc.db")
modparam("acc", "log_extra", "src_user=$fU;dv=$dlg_var(x)")
modparam("acc", "db_extra", "ua=$fU")
modparam("acc", "cdr_enable", 1)
modparam("acc", "cdr_start_on_confirmed", 1)
modparam("acc", "cdr_extra", "src=$dlg_var(x)")
modparam("acc", "cdrs_table", "cdrs")
request_route {
  if (has_totag()) { setflag(1); loose_route(); t_relay(); exit; }
  record_route();
  setflag(1); setflag(2);
  if ($rU == "fail") setflag(3);
  if (is_method("INVITE")) { dlg_manage(); $dlg_var(x) = "hello"; }
  $du = "${gateway}";
  t_relay();
}
`;

test('an answered call and its BYE are each recorded in the log and the table, and the whole call at its end', async () => {
  const { gateway, caller } = await peers(200);
  const daemon = await served(KAMAILIO(gateway.uri));
  const result = await caller.placeCall({ ruri: 'sip:bob@example.com', proxy: daemon.proxy, holdMs: 120 });
  assert.equal(result.status, 200);
  assert.equal(result.byeStatus, 200);
  const starting = (text: string) => daemon.log.filter((each) => each.startsWith(text));
  // The call ends with its BYE, which is accounted when it has been answered.
  const areWritten = () => starting('start_time=').length > 0 && starting('ACC: ').length > 1;
  await until('records', areWritten, { show: () => daemon.log });
  const lines = starting('ACC: ');
  assert.equal(lines.length, 2, lines.join('\n'));
  assert.match(
    lines[0] ?? '',
    new RegExp(
      `^ACC: transaction answered: timestamp=\\d{10};method=INVITE;from_tag=[^;]+;to_tag=[^;]+;call_id=${result.callId};code=200;reason=OK;src_user=alice;dv=hello$`,
    ),
  );
  assert.match(lines[1] ?? '', /;method=BYE;.*;code=200;reason=OK;src_user=alice;dv=hello$/);
  assert.match(
    daemon.log.find((each) => each.startsWith('start_time=')) ?? '',
    /^start_time=\d+\.\d{3}; end_time=\d+\.\d{3}; duration=0\.\d{3}; src=hello$/,
  );
  const database = join(daemon.folder, 'acc.db');
  await until(
    'three rows',
    () =>
      selectSqlite(database, 'select * from acc').length === 2 &&
      selectSqlite(database, 'select * from cdrs').length === 1,
  );
  const rows = selectSqlite(database, 'select method, callid, sip_code, sip_reason, ua, time from acc order by id');
  assert.deepEqual(
    rows.map(({ time, ...row }) => row),
    ['INVITE', 'BYE'].map((method) => ({
      method,
      callid: result.callId,
      sip_code: '200',
      sip_reason: 'OK',
      ua: 'alice',
    })),
  );
  assert.match(String(rows[0]?.['time']), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  const [cdr] = selectSqlite(database, 'select duration, src from cdrs');
  assert.equal(cdr?.['src'], 'hello');
  assert.ok(Number(cdr?.['duration']) >= 0.1 && Number(cdr?.['duration']) < 2, String(cdr?.['duration']));
});

test('a refused call counts as missed, and as a transaction where failed ones are asked for', async () => {
  const { gateway, caller } = await peers(486);
  const daemon = await served(KAMAILIO(gateway.uri));
  await caller.placeCall({ ruri: 'sip:bob@example.com', proxy: daemon.proxy });
  await until('a record', () => daemon.log.some((each) => each.startsWith('ACC: ')));
  const first = daemon.log.filter((each) => each.startsWith('ACC: '));
  assert.equal(first.length, 1);
  assert.match(first[0] ?? '', /^ACC: call missed: .*;method=INVITE;.*;code=486;reason=Busy Here;/);
  await caller.placeCall({ ruri: 'sip:fail@example.com', proxy: daemon.proxy });
  await until('three records', () => daemon.log.filter((each) => each.startsWith('ACC: ')).length === 3);
  assert.match(
    daemon.log.filter((each) => each.startsWith('ACC: ')).at(-1) ?? '',
    /^ACC: transaction answered: .*;code=486;/,
  );
  const database = join(daemon.folder, 'acc.db');
  await until(
    'rows',
    () =>
      selectSqlite(database, 'select * from missed_calls').length === 2 &&
      selectSqlite(database, 'select * from acc').length === 1,
  );
});

test('a call that the caller gives up is missed, and its CANCEL is accounted if configured', async () => {
  const { gateway, caller } = await peers(200);
  gateway.answer = () => ({ status: 200, ringMs: 3000 });
  const text = KAMAILIO(gateway.uri)
    .replace('request_route {', 'request_route {\n  if (is_method("CANCEL")) { setflag(1); t_relay(); exit; }')
    .replace('modparam("acc", "log_flag", 1)', 'modparam("acc", "log_flag", 1)\nmodparam("acc", "report_cancels", 1)');
  const daemon = await served(text);
  const result = await caller.placeCall({ ruri: 'sip:bob@example.com', proxy: daemon.proxy, cancelOn: 180 });
  assert.equal(result.status, 487);
  await until('records', () => daemon.log.filter((each) => each.startsWith('ACC: ')).length === 2, {
    show: () => daemon.log,
  });
  const [cancel = '', missed = ''] = daemon.log.filter((each) => each.startsWith('ACC: '));
  assert.match(
    cancel,
    /^ACC: transaction answered: .*;method=CANCEL;.*;to_tag=;.*;code=200;reason=OK;src_user=alice;dv=hello$/,
  );
  assert.match(missed, /^ACC: call missed: .*;method=INVITE;.*;code=487;/);
});

const OPENSIPS = (gateway: string) => `#!OPENSIPS
socket=LISTEN
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sl.so"
loadmodule "sipmsgops.so"
loadmodule "dialog.so"
loadmodule "acc.so"
modparam("acc", "extra_fields", "log: user->src_user; nats: user")
modparam("acc", "db_url", "sqlite:///FOLDER/acc.db")
route {
  if (has_totag()) { loose_route(); t_relay(); exit; }
  record_route();
  if (is_method("INVITE")) {
    create_dialog();
    do_accounting("log|db|nats", "cdr|missed");
    $acc_extra(user) = $fU;
  }
  $du = "${gateway}";
  t_relay();
}
`;

test('do_accounting with cdr writes one record at the end of the call: log, table and NATS', async () => {
  const { gateway, caller } = await peers(200);
  const nats = await startNatsServer();
  const connection = await connect({ servers: nats.url });
  open.push(
    () => connection.close(),
    () => nats.stop(),
  );
  const published: unknown[] = [];
  const subscription = connection.subscribe('cfg.calls.default.acc', {
    callback: (_error, message) => published.push(JSON.parse(message.string())),
  });
  await connection.flush();
  open.push(() => subscription.unsubscribe());
  const daemon = await served(OPENSIPS(gateway.uri), {
    events: { nats: { servers: [nats.url], prefix: 'cfg' } },
    calls: { nats: true },
  });
  const result = await caller.placeCall({ ruri: 'sip:bob@example.com', proxy: daemon.proxy, holdMs: 60 });
  assert.equal(result.byeStatus, 200);
  await until('a record on NATS', () => published.length > 0, { show: () => daemon.log });
  const line = daemon.log.filter((each) => each.startsWith('ACC: '));
  assert.equal(line.length, 1, line.join('\n'));
  assert.match(
    line[0] ?? '',
    /^ACC: call ended: created=\d+;call_start_time=\d+;duration=1;ms_duration=\d+;setuptime=\d+;method=INVITE;.*;code=200;reason=OK;src_user=alice$/,
  );
  const [record] = published as Record<string, unknown>[];
  assert.equal(record?.['callid'], result.callId);
  assert.equal(record?.['user'], 'alice');
  assert.ok(Number(record?.['ms_duration']) >= 50);
  const database = join(daemon.folder, 'acc.db');
  await until('a row', () => selectSqlite(database, 'select * from acc').length === 1);
  const [row] = selectSqlite(database, 'select method, duration, ms_duration from acc');
  assert.equal(row?.['duration'], 1);
});
