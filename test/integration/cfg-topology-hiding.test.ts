import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startCfgDaemon } from '../support/cfg-daemon.js';
import { headersOf, RawAgent } from '../support/raw-agent.js';

const open: (() => unknown)[] = [];
after(async () => {
  for (const close of open.reverse()) await close();
});

const contactIn = (text: string): string => /<([^>]*)>/.exec(headersOf(text, 'contact')[0] ?? '')?.[1] ?? '';

test('each side of a hidden call sees this proxy alone, and the requests of both reach the other', async () => {
  const [caller, gateway] = [await RawAgent.open('127.0.0.1'), await RawAgent.open('127.0.0.1')];
  const daemon = await startCfgDaemon({
    text: `#!OPENSIPS
socket=LISTEN
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sl.so"
loadmodule "sipmsgops.so"
loadmodule "dialog.so"
loadmodule "topology_hiding.so"
route {
  if (has_totag()) {
    if (!topology_hiding_match()) { xlog("no match\\n"); if (is_method("ACK")) exit; sl_send_reply(404, "Not Here"); exit; }
    xlog("match $rm\\n");
    t_relay();
    exit;
  }
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  topology_hiding("U");
  $du = "${gateway.uri}";
  t_relay();
}
`,
  });
  open.push(
    () => caller.close(),
    () => gateway.close(),
    () => daemon.stop(),
  );
  const callId = 'hidden@x';
  const own = `127.0.0.1:${daemon.port}`;
  const upstream = 'Via: SIP/2.0/UDP 127.0.0.9;branch=z9hG4bKup\r\nRecord-Route: <sip:127.0.0.9;lr>\r\n';
  caller.send(caller.request('INVITE', 'sip:bob@example.com', { callId, more: upstream }), daemon.port);
  const invite = await gateway.next('INVITE');
  assert.equal(headersOf(invite.text, 'via').length, 1);
  assert.ok(!invite.text.includes('127.0.0.9') && !invite.text.includes(String(caller.port)), invite.text);
  assert.ok(contactIn(invite.text).startsWith(`sip:alice@${own};did=`), contactIn(invite.text));
  assert.deepEqual(headersOf(invite.text, 'record-route'), []);
  gateway.answer(invite, 183, 'Progress', { more: 'Record-Route: <sip:127.0.0.8;lr>\r\n' });
  const progress = await caller.next('183');
  assert.deepEqual(headersOf(progress.text, 'record-route'), []);
  gateway.answer(invite, 200, 'OK', { more: `Record-Route: <sip:127.0.0.1:${gateway.port};lr>\r\n` });
  const ok = await caller.next('200');
  assert.equal(headersOf(ok.text, 'via').length, 2);
  assert.match(headersOf(ok.text, 'via')[1] ?? '', /127\.0\.0\.9/);
  assert.ok(contactIn(ok.text).startsWith(`sip:bob@${own};did=`), ok.text);
  assert.ok(!ok.text.includes(String(gateway.port)), ok.text);
  const to = '<sip:bob@b.example>;tag=tt';
  caller.send(caller.request('ACK', contactIn(ok.text), { callId, to }), daemon.port);
  const ack = await gateway.next('ACK');
  assert.ok(ack.text.startsWith(`ACK sip:bob@127.0.0.1:${gateway.port} SIP/2.0\r\n`), ack.text);
  assert.deepEqual(headersOf(ack.text, 'route'), [`<sip:127.0.0.1:${gateway.port};lr>`]);
  assert.equal(headersOf(ack.text, 'via').length, 1);
  // The callee asks anew, then hangs up, each by the Contact it knows.
  const back = { callId, from: to, to: '<sip:alice@a.example>;tag=ft' };
  gateway.send(gateway.request('INFO', contactIn(invite.text), { ...back, cseq: 3 }), daemon.port);
  // The caller's route set had a proxy of its own that is not there: its Route is written all the same.
  const info = caller.next('INFO', 400).catch(() => undefined);
  assert.equal(await info, undefined, 'it goes to the first Route of the caller');
  assert.ok(daemon.script.includes('match INFO'));
  caller.send(caller.request('BYE', contactIn(ok.text), { callId, to, cseq: 2 }), daemon.port);
  const bye = await gateway.next('BYE');
  assert.ok(!bye.text.includes(String(caller.port)), bye.text);
  gateway.answer(bye, 200, 'OK');
  const done = await caller.next('200');
  assert.equal(headersOf(done.text, 'via').length, 1);
  assert.match(headersOf(done.text, 'via')[0] ?? '', new RegExp(`127\\.0\\.0\\.1:${caller.port}`));
  // The call is over: its parameter opens nothing any more, nor does it for another call.
  caller.send(caller.request('BYE', contactIn(ok.text), { callId, to, cseq: 3 }), daemon.port);
  await caller.next('404');
});

test('a request that names the call of somebody else is no match', async () => {
  const [caller, gateway] = [await RawAgent.open('127.0.0.1'), await RawAgent.open('127.0.0.1')];
  const daemon = await startCfgDaemon({
    text: `#!OPENSIPS
socket=LISTEN
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "sipmsgops.so"
loadmodule "dialog.so"
loadmodule "topology_hiding.so"
route {
  if (has_totag()) {
    if (topology_hiding_match()) t_relay();
    else if (!is_method("ACK")) sl_send_reply(404, "Not Here");
    exit;
  }
  topology_hiding();
  $du = "${gateway.uri}";
  t_relay();
}
`,
  });
  open.push(
    () => caller.close(),
    () => gateway.close(),
    () => daemon.stop(),
  );
  caller.send(caller.request('INVITE', 'sip:bob@example.com', { callId: 'mine@x' }), daemon.port);
  const invite = await gateway.next('INVITE');
  assert.ok(contactIn(invite.text).startsWith(`sip:127.0.0.1:${daemon.port};did=`), 'without U no user is shown');
  gateway.answer(invite, 200, 'OK');
  const ok = await caller.next('200');
  const to = '<sip:bob@b.example>;tag=tt';
  caller.send(caller.request('BYE', contactIn(ok.text), { callId: 'theirs@x', to, cseq: 2 }), daemon.port);
  await caller.next('404');
  caller.send(caller.request('BYE', contactIn(ok.text), { callId: 'mine@x', to, cseq: 2 }), daemon.port);
  gateway.answer(await gateway.next('BYE'), 200, 'OK');
  await caller.next('200');
});
