import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { CfgError } from '../../src/cfg-file/load.js';
import { type CfgDaemon, startCfgDaemon, wrote } from '../support/cfg-daemon.js';
import { headersOf, RawAgent } from '../support/raw-agent.js';
import { executeSqlite, selectSqlite } from '../support/sqlite-file.js';
import { until } from '../support/until.js';

const open: (() => unknown)[] = [];
after(async () => {
  for (const close of open.reverse()) await close();
});

const HEAD = `#!KAMAILIO
listen=LISTEN
async_workers=1
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "textops.so"
loadmodule "siputils.so"
`;

async function served(text: string): Promise<{ daemon: CfgDaemon; caller: RawAgent }> {
  const daemon = await startCfgDaemon({ text: HEAD + text });
  const caller = await RawAgent.open('127.0.0.1');
  open.push(
    () => caller.close(),
    () => daemon.stop(),
  );
  return { daemon, caller };
}

test('mqueue: functions and variables do what was recorded of Kamailio 5.6.3', async () => {
  const { daemon, caller } = await served(`loadmodule "mqueue.so"
modparam("mqueue", "mqueue", "name=q;size=3")
modparam("mqueue", "mqueue", "name=u1;addmode=1")
request_route {
  mq_add("q", "k1", "v1"); xlog("add $rc\\n"); mq_add("q", "$rU", "v $si"); mq_add("q", "k3", "v3"); mq_add("q", "k4", ""); xlog("add4 $rc\\n");
  mq_add("nope", "a", "b"); xlog("addnope $rc\\n");
  $var(s) = mq_size("q"); xlog("size $var(s) $mq_size(q)\\n");
  mq_size("nope"); xlog("sizenope $rc [$mq_size(nope)]\\n");
  mq_size("u1"); xlog("sizeempty $rc $mq_size(u1)\\n");
  xlog("before $mqk(q) $mqv(q)\\n");
  while (mq_fetch("q")) xlog("got $mqk(q)=[$mqv(q)] $rc\\n");
  mq_fetch("q"); xlog("empty $rc $mqk(q)=[$mqv(q)]\\n");
  mq_fetch("nope"); xlog("nope $rc\\n");
  mq_add("q", "z", "9"); mq_fetch("q"); mq_pv_free("q"); xlog("freed $rc [$mqk(q)] [$mqv(q)]\\n");
  mq_pv_free("nope"); xlog("free nope $rc\\n");
  sl_send_reply("200", "OK");
}
`);
  caller.send(caller.request('MESSAGE', 'sip:mq@x', { callId: 'mq' }), daemon.port);
  await caller.next('200');
  assert.deepEqual(daemon.script, [
    'add 1',
    'add4 1',
    'addnope -1',
    'size 3 3',
    'sizenope -2 []',
    'sizeempty -1 0',
    'before <null> <null>',
    'got mq=[v 127.0.0.1] 1',
    'got k3=[v3] 1',
    'got k4=[<null>] 1',
    'empty -2 <null>=[<null>]',
    'nope -1',
    'freed 1 [<null>] [<null>]',
    'free nope 1',
  ]);
});

test('async: a request goes on in a route or after a pause, its copies absorbed meanwhile', async () => {
  const { daemon, caller } = await served(`loadmodule "async.so"
modparam("async", "ms_timer", 10)
route[LATER] { xlog("later rc=$rc a=$avp(a) f=$mf\\n"); t_reply("404", "Later"); exit; }
route[TASK] { t_reply("405", "Task"); }
route[DATA] { xlog("data $rm [$async(data)]\\n"); }
request_route {
  $avp(a) = "av"; setflag(3);
  if ($rU == "route") { async_ms_route("LATER", "200"); xlog("never\\n"); exit; }
  if ($rU == "sleep") { async_ms_sleep("100"); send_reply("406", "Slept"); exit; }
  if ($rU == "task") { async_task_route("TASK"); xlog("never\\n"); exit; }
  if ($rU == "data") { async_task_data("DATA", "hello $rU"); xlog("data $rc\\n"); sl_send_reply("200", "OK"); exit; }
  if ($rU == "none") { async_route("NOROUTE", "1"); xlog("none $rc\\n"); sl_send_reply("480", "None"); exit; }
  if ($rU == "long") { async_route("LATER", "101"); xlog("long $rc\\n"); sl_send_reply("481", "Long"); exit; }
  if ($rU == "zero") { async_route("LATER", "0"); xlog("zero $rc\\n"); sl_send_reply("482", "Zero"); exit; }
}
`);
  const invite = caller.request('INVITE', 'sip:route@x', { callId: 'route' });
  caller.send(invite, daemon.port);
  await caller.next('100');
  caller.send(invite, daemon.port);
  await caller.next('404');
  assert.deepEqual(daemon.script, ['later rc=0 a=av f=8']);
  for (const [user, status] of [
    ['sleep', '406'],
    ['task', '405'],
    ['data', '200'],
    ['none', '480'],
    ['long', '481'],
    ['zero', '482'],
  ] as const) {
    caller.send(caller.request('MESSAGE', `sip:${user}@x`, { callId: user }), daemon.port);
    await caller.next(status);
  }
  await until('the task ran', () => daemon.script.includes('data OPTIONS [hello data]'));
  for (const line of ['data 1', 'none -1', 'long -1', 'zero -1']) assert.ok(daemon.script.includes(line), line);
  assert.ok(!daemon.script.includes('never'));
});

test('async: a call goes to a gateway after a pause, and a caller who gave up meanwhile gets no second answer', async () => {
  const gateway = await RawAgent.open('127.0.0.1');
  open.push(() => gateway.close());
  const { daemon, caller } = await served(`loadmodule "async.so"
modparam("async", "ms_timer", 10)
request_route {
  if (is_method("CANCEL")) { t_relay(); exit; }
  async_ms_sleep("150");
  $du = "${gateway.uri}";
  t_relay();
}
`);
  caller.send(caller.request('INVITE', 'sip:b@x', { callId: 'one', branch: 'one' }), daemon.port);
  const invite = await gateway.next('INVITE');
  gateway.answer(invite, 200, 'OK');
  await caller.next('200');
  caller.send(caller.request('INVITE', 'sip:b@x', { callId: 'two', branch: 'two' }), daemon.port);
  await caller.next('100');
  await caller.next('100');
  caller.send(caller.request('CANCEL', 'sip:b@x', { callId: 'two', branch: 'two' }), daemon.port);
  await caller.next('200');
  const final = await caller.next('487');
  assert.deepEqual(headersOf(final.text, 'call-id'), ['two']);
});

test('rtimer, worker-one-init and expired entries of htable run their routes', async () => {
  const { daemon } = await served(`loadmodule "rtimer.so"
loadmodule "htable.so"
modparam("rtimer", "timer", "name=ta;interval=50000u;mode=1;")
modparam("rtimer", "exec", "timer=ta;route=TICK")
modparam("htable", "htable", "h=>size=4;autoexpire=1;")
modparam("htable", "timer_interval", 1)
event_route[htable:expired:h] { xlog("expired $shtrecord(key)=$shtrecord(value)\\n"); }
event_route[htable:mod-init] { xlog("mod-init\\n"); $sht(h=>a) = 1; $sht(h=>b) = "x y"; }
event_route[core:worker-one-init] { xlog("one-init $rm $ru\\n"); }
route[TICK] { if ($shv(n) < 2) { $shv(n) = $shv(n) + 1; xlog("tick $rm\\n"); } }
request_route { exit; }
`);
  await until('entries expired', () => daemon.script.filter((line) => line.startsWith('expired')).length === 2);
  assert.deepEqual(
    daemon.script.filter((line) => !line.startsWith('tick')),
    ['mod-init', 'one-init OPTIONS sip:you@kamailio.org', 'expired a=1', 'expired b=x y'],
  );
  assert.deepEqual(
    daemon.script.filter((line) => line.startsWith('tick')),
    ['tick OPTIONS', 'tick OPTIONS'],
  );
});

test('parameters that cannot be used are refused with their line', async () => {
  const refused = (text: string, pattern: RegExp) =>
    assert.rejects(
      startCfgDaemon({ text: HEAD + text }),
      (error) => error instanceof CfgError && pattern.test(error.message),
    );
  await refused(
    'loadmodule "rtimer.so"\nmodparam("rtimer", "timer", "name=a;interval=1")\nmodparam("rtimer", "exec", "timer=a;route=NONE")\nrequest_route { exit; }\n',
    /:14:.*rtimer: there is no route\[NONE\]/,
  );
  await refused(
    'loadmodule "rtimer.so"\nmodparam("rtimer", "timer", "name=a;interval=1")\nmodparam("rtimer", "exec", "timer=a;route=R")\nroute[R] { no_such_function(); }\nrequest_route { exit; }\n',
    /:15:.*no_such_function/,
  );
  await refused(
    'loadmodule "mqueue.so"\nmodparam("mqueue", "mqueue", "size=1")\nrequest_route { exit; }\n',
    /has no name/,
  );
});

test('alias_db and group ask their tables as recorded of Kamailio 5.6.3', async () => {
  const daemon = await startCfgDaemon({
    text: `${HEAD}loadmodule "db_sqlite.so"
loadmodule "alias_db.so"
loadmodule "group.so"
modparam("alias_db|group", "db_url", "sqlite://FOLDER/db.sqlite")
modparam("alias_db", "append_branches", 1)
request_route {
  alias_db_lookup("dbaliases"); xlog("1 $rc $ru [$(branch(uri)[*])]\\n");
  alias_db_lookup("dbaliases"); xlog("2 $rc $ru\\n");
  alias_db_lookup("dbaliases", "r"); xlog("3 $rc $ru\\n");
  alias_db_lookup("dbaliases", "u"); xlog("4 $rc $ru\\n");
  alias_db_lookup("nope"); xlog("5 $rc $ru\\n");
  $var(u) = "sip:al1@x"; alias_db_find("dbaliases", "$var(u)", "$avp(f)"); xlog("6 $rc $avp(f)\\n");
  $var(u) = "sip:al2@x"; alias_db_find("dbaliases", "$var(u)", "$avp(g)", "u"); xlog("7 $rc $avp(g)\\n");
  $var(u) = "sip:x' or 1=1@x"; alias_db_find("dbaliases", "$var(u)", "$avp(h)"); xlog("8 $rc $avp(h)\\n");
  is_user_in("From", "ld"); xlog("9 $rc\\n");
  is_user_in("Request-URI", "ld"); xlog("10 $rc\\n");
  $avp(u) = "sip:alice@zzz"; is_user_in("$avp(u)", "ld"); xlog("11 $rc\\n");
  sl_send_reply("200", "OK");
}
`,
    prepare: (folder) =>
      executeSqlite(
        `${folder}/db.sqlite`,
        `CREATE TABLE dbaliases (alias_username TEXT, alias_domain TEXT, username TEXT, domain TEXT);
         INSERT INTO dbaliases VALUES ('al1', 'x', 'bob', 'home.example'), ('al2', 'other', 'carol', 'home.example'),
           ('al3', 'x', 'u1', 'h1'), ('al3', 'x', 'u2', 'h2');
         CREATE TABLE grp (username TEXT, domain TEXT, grp TEXT);
         INSERT INTO grp VALUES ('alice', 'a.example', 'ld');`,
      ),
  });
  const caller = await RawAgent.open('127.0.0.1');
  open.push(
    () => caller.close(),
    () => daemon.stop(),
  );
  caller.send(caller.request('MESSAGE', 'sip:al3@x', { callId: 'alias' }), daemon.port);
  await caller.next('200');
  await until('all lines', () => daemon.script.length >= 11, { show: () => daemon.script });
  assert.deepEqual(daemon.script, [
    '1 1 sip:u1@h1 [sip:u2@h2]',
    '2 -1 sip:u1@h1',
    '3 1 sip:al3@x',
    '4 1 sip:u1@h1',
    '5 -1 sip:u1@h1',
    '6 1 sip:bob@home.example',
    '7 -1 <null>',
    '8 -1 <null>',
    '9 1',
    '10 -6',
    '11 1',
  ]);
});

test('get_redirects() adds the contacts of redirecting branches, as filters and limits allow', async () => {
  const [gateway, daemonOf] = [await RawAgent.open('127.0.0.1'), served];
  open.push(() => gateway.close());
  const { daemon, caller } = await daemonOf(`loadmodule "uac_redirect.so"
modparam("uac_redirect", "acc_function", "")
request_route { if (is_method("ACK")) exit; $du = "${gateway.uri}"; t_on_failure("F"); t_relay(); }
failure_route[F] {
  if (!t_check_status("3[0-9][0-9]")) exit;
  if ($rU == "deny") set_deny_filter("n2@", "reset_all");
  if ($rU == "limit") get_redirects("1:*"); else get_redirects("*");
  xlog("$rc [$(branch(uri)[*])]\\n");
  t_relay();
}
`);
  const contacts = `Contact: <sip:n1@127.0.0.1:${gateway.port}>;q=0.2, <sip:n2@127.0.0.1:${gateway.port};x=1>;q=0.8\r\nContact: sip:n3@127.0.0.1:${gateway.port}\r\n`;
  const users = async (user: string, more: string, count: number): Promise<string[]> => {
    caller.send(caller.request('INVITE', `sip:${user}@x`, { callId: user, branch: user }), daemon.port);
    const invite = await gateway.next('INVITE');
    gateway.send(
      `SIP/2.0 302 Moved\r\n${invite.text
        .split('\r\n')
        .filter((line) => /^(?:Via|From|Call-ID|CSeq):/.test(line))
        .join('\r\n')}\r\nTo: <sip:bob@b.example>;tag=t\r\n${more}Content-Length: 0\r\n\r\n`,
      invite.port,
    );
    const got: string[] = [];
    for (let i = 0; i < count; i++) {
      const next = await gateway.next('INVITE');
      got.push(/^INVITE sip:([^@]*)@/.exec(next.text)?.[1] ?? '');
      gateway.answer(next, 404, 'Not Found');
    }
    const final = await caller.next(count === 0 ? '302' : '404');
    caller.send(
      caller.request('ACK', `sip:${user}@x`, { callId: user, branch: user, to: headersOf(final.text, 'to')[0] ?? '' }),
      daemon.port,
    );
    return got;
  };
  assert.deepEqual(await users('all', contacts, 3), ['n3', 'n1', 'n2'], 'as recorded, the best one last');
  assert.deepEqual(await users('deny', contacts, 2), ['n3', 'n1']);
  assert.deepEqual(await users('limit', contacts, 1), ['n2']);
  assert.deepEqual(await users('none', '', 0), []);
  // The lines of a worker come by the log of the daemon.
  await until('the line of the last', () => /^-1 /.test(daemon.script.at(-1) ?? ''), { show: () => daemon.script });
});

test('htable: rows of a database, as recorded of Kamailio 5.6.3', async () => {
  const daemon = await startCfgDaemon({
    text: `${HEAD}loadmodule "db_sqlite.so"
loadmodule "htable.so"
modparam("htable", "db_url", "sqlite:///FOLDER/ht.sqlite")
modparam("htable", "htable", "a=>size=4;dbtable=ha;")
modparam("htable", "htable", "b=>size=4;dbtable=ha;autoexpire=100;")
modparam("htable", "htable", "c=>size=4;dbtable=hc;cols='k,v,w';")
modparam("htable", "htable", "d=>size=4;dbtable=ha;initval=7")
event_route[htable:mod-init] { xlog("init $sht(a=>one)\\n"); }
request_route {
  xlog("one=$sht(a=>one) arr=$sht(a=>arr[0]) $sht(a=>arr[1]) $sht(a=>arr::size) $sht(a=>arr) bad=$sht(a=>bad) old=$sht(a=>old) emp=<$sht(a=>emp)> dup=$sht(a=>dup)\\n");
  xlog("$shtex(a=>one) $shtex(b=>one) $sht(c=>x) $sht(d=>one) $sht(d=>none)\\n");
  if ($sht(a=>num) == 5) xlog("number\\n");
  $sht(a=>one) = "changed";
  sl_send_reply("200", "OK");
}
`,
    prepare: (folder) =>
      executeSqlite(
        `${folder}/ht.sqlite`,
        `CREATE TABLE ha (id INTEGER PRIMARY KEY, key_name TEXT, key_type INT, value_type INT, key_value TEXT, expires INT DEFAULT 0);
         INSERT INTO ha (key_name, key_type, value_type, key_value, expires) VALUES ('one', 0, 0, 'first', 0), ('arr', 1, 0, 'A', 0), ('arr', 1, 0, 'B', 0),
           ('num', 0, 1, '5', 0), ('bad', 0, 1, 'x5', 0), ('old', 0, 0, 'o', 1000), ('emp', 0, 0, '', 0), ('dup', 0, 0, 'd1', 0), ('dup', 0, 0, 'd2', 0);
         CREATE TABLE hc (k TEXT, v TEXT, w TEXT);
         INSERT INTO hc VALUES ('x', '1', '2');`,
      ),
  });
  const caller = await RawAgent.open('127.0.0.1');
  open.push(
    () => caller.close(),
    () => daemon.stop(),
  );
  const ask = async (callId: string): Promise<void> => {
    caller.send(caller.request('MESSAGE', 'sip:ht@x', { callId }), daemon.port);
    await caller.next('200');
  };
  await ask('ht1');
  await wrote(daemon, [
    'init first',
    'one=first arr=A B 2 <null> bad=0 old=o emp=<> dup=d2',
    '0 100 1,2 first 7',
    'number',
  ]);
  executeSqlite(`${daemon.folder}/ht.sqlite`, "UPDATE ha SET key_value = 'second' WHERE key_name = 'one'");
  await ask('ht2');
  await until('its lines', () => daemon.script.length === 7);
  assert.match(daemon.script.at(-3) ?? '', /^one=changed /, 'what a script sets stays until an operator asks');
  assert.deepEqual(await daemon.daemon.callRpc('htable.reload', ['a']), {
    result: 'Ok. Htable reloaded.',
  });
  await ask('ht3');
  await until('its lines', () => daemon.script.length === 10);
  assert.match(daemon.script.at(-3) ?? '', /^one=second /);
});

test('htable: dbmode=1 writes entries to the database at the end, arrays as single entries', async () => {
  const made = `CREATE TABLE ha (id INTEGER PRIMARY KEY, key_name TEXT, key_type INT, value_type INT, key_value TEXT, expires INT DEFAULT 0);
    INSERT INTO ha (key_name, key_type, value_type, key_value) VALUES ('one', 0, 0, 'first'), ('arr', 1, 0, 'A'), ('arr', 1, 0, 'B')`;
  const daemon = await startCfgDaemon({
    text: `${HEAD}loadmodule "db_sqlite.so"
loadmodule "htable.so"
modparam("htable", "db_url", "sqlite:///FOLDER/ht.sqlite")
modparam("htable", "htable", "a=>size=4;dbtable=ha;dbmode=1;")
request_route { $sht(a=>one) = "changed"; $sht(a=>n) = 5; sl_send_reply("200", "OK"); }
`,
    prepare: (folder) => executeSqlite(`${folder}/ht.sqlite`, made),
  });
  const caller = await RawAgent.open('127.0.0.1');
  open.push(
    () => caller.close(),
    () => daemon.stop(),
  );
  caller.send(caller.request('MESSAGE', 'sip:ht@x', { callId: 'ht9' }), daemon.port);
  await caller.next('200');
  await daemon.daemon.stop();
  const rows = selectSqlite(
    `${daemon.folder}/ht.sqlite`,
    'SELECT key_name, key_type, value_type, key_value FROM ha ORDER BY key_name',
  );
  assert.deepEqual(rows.map(Object.values), [
    ['arr::size', 0, 1, '2'],
    ['arr[0]', 0, 0, 'A'],
    ['arr[1]', 0, 0, 'B'],
    ['n', 0, 1, '5'],
    ['one', 0, 0, 'changed'],
  ]);
});

test('$var of a waiting route is not changed by other messages, and the next message finds its value', async () => {
  const daemon = await startCfgDaemon({
    text: `${HEAD}loadmodule "cfgutils.so"
request_route {
  if ($rU == "last") { xlog("left $var(own)\\n"); sl_send_reply("200", "OK"); exit; }
  $var(own) = $rU;
  usleep("20000");
  $var(own) = $var(own) + ".";
  usleep("20000");
  xlog("$rU $var(own)\\n");
  sl_send_reply("200", "OK");
}
`,
  });
  const caller = await RawAgent.open('127.0.0.1');
  open.push(
    () => caller.close(),
    () => daemon.stop(),
  );
  const users = ['a', 'b', 'c', 'd', 'e'];
  for (const user of users) caller.send(caller.request('MESSAGE', `sip:${user}@x`, { callId: user }), daemon.port);
  for (const _ of users) await caller.next('200');
  await until('their lines', () => daemon.script.length === users.length);
  assert.deepEqual(
    daemon.script.slice().sort(),
    users.map((user) => `${user} ${user}.`),
  );
  // With the Call-ID of an earlier request: with several workers it comes to a process that has run the route.
  caller.send(caller.request('MESSAGE', 'sip:last@x', { callId: 'a', cseq: 2 }), daemon.port);
  await caller.next('200');
  await until('the last line', () => daemon.script.length > users.length);
  assert.match(daemon.script.at(-1) ?? '', /^left [a-e]\.$/);
});
