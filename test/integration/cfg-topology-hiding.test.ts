import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startCfgDaemon } from '../support/cfg-daemon.js';
import { headersOf, RawAgent } from '../support/raw-agent.js';

const open: (() => unknown)[] = [];
after(async () => {
  for (const close of open.reverse()) await close();
});

/**
 * A caller and a gateway, with a proxy between them that runs `route` of an opensips.cfg. TO_GATEWAY in the route is
 * replaced by the statements that relay the request to the gateway; `parameters`: further lines at the top of the file.
 */
async function start(route: string, parameters = '') {
  const [caller, gateway] = [await RawAgent.open('127.0.0.1'), await RawAgent.open('127.0.0.1')];
  const modules = ['tm', 'rr', 'sl', 'sipmsgops', 'dialog', 'topology_hiding'].map(
    (each) => `loadmodule "${each}.so"\n`,
  );
  const toGateway = `$du = "${gateway.uri}"; t_relay();`;
  const daemon = await startCfgDaemon({
    text: `#!OPENSIPS\nsocket=LISTEN\n${modules.join('')}${parameters}\nroute {\n${route.replace('TO_GATEWAY', toGateway)}\n}\n`,
  });
  open.push(
    () => caller.close(),
    () => gateway.close(),
    () => daemon.stop(),
  );
  return { caller, gateway, daemon };
}

const contactIn = (text: string): string => /<([^>]*)>/.exec(headersOf(text, 'contact')[0] ?? '')?.[1] ?? '';

test('each side of a hidden call sees the addresses of this proxy only, and requests of each side reach the other', async () => {
  const { caller, gateway, daemon } = await start(
    `  if (has_totag()) {
    if (!topology_hiding_match()) { xlog("no match\\n"); if (is_method("ACK")) exit; sl_send_reply(404, "Not Here"); exit; }
    xlog("match $rm\\n");
    t_relay();
    exit;
  }
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  topology_hiding("U");
  TO_GATEWAY`,
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
  // The route of the caller's side, without that of the gateway's.
  assert.deepEqual(headersOf(progress.text, 'record-route'), ['<sip:127.0.0.9;lr>']);
  gateway.answer(invite, 200, 'OK', { more: `Record-Route: <sip:127.0.0.1:${gateway.port};lr>\r\n` });
  const ok = await caller.next('200');
  assert.deepEqual(headersOf(ok.text, 'record-route'), ['<sip:127.0.0.9;lr>']);
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
  // The callee sends a re-INVITE and then BYE, each to the Contact it has learned.
  const back = { callId, from: to, to: '<sip:alice@a.example>;tag=ft' };
  gateway.send(gateway.request('INFO', contactIn(invite.text), { ...back, cseq: 3 }), daemon.port);
  // The caller's route set contained an unreachable proxy of its own: its Route is written nevertheless.
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
  // After the call its parameter is not accepted any more, nor is it for another call.
  caller.send(caller.request('BYE', contactIn(ok.text), { callId, to, cseq: 3 }), daemon.port);
  await caller.next('404');
});

test('a request that names another call does not match', async () => {
  const { caller, gateway, daemon } = await start(
    `  if (has_totag()) {
    if (topology_hiding_match()) t_relay();
    else if (!is_method("ACK")) sl_send_reply(404, "Not Here");
    exit;
  }
  topology_hiding();
  TO_GATEWAY`,
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

test('with C the callee knows the call by another Call-ID, in every request and reply of both sides', async () => {
  const { caller, gateway, daemon } = await start(
    `  if (has_totag()) {
    if (topology_hiding_match()) t_relay();
    else if (is_method("ACK")) { if (t_check_trans()) t_relay(); }
    else sl_send_reply(404, "Not Here");
    exit;
  }
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  topology_hiding("UC");
  TO_GATEWAY`,
    `modparam("topology_hiding", "th_callid_prefix", "SBC_")
modparam("topology_hiding", "th_callid_passwd", "s3cret")
modparam("topology_hiding", "th_passed_contact_uri_params", "line;ob;transport")`,
  );
  const idOf = (text: string): string => headersOf(text, 'call-id')[0] ?? '';
  const to = '<sip:bob@b.example>;tag=tt';
  const begin = async (callId: string) => {
    caller.send(caller.request('INVITE', 'sip:bob@example.com', { callId, branch: callId.slice(0, 3) }), daemon.port);
    return gateway.next('INVITE');
  };
  // An answered call: requests from both sides, then BYE from the proxy to both.
  const invite = await begin('one@x');
  const shown = idOf(invite.text);
  assert.match(shown, /^SBC_[0-9a-f]{32}$/);
  gateway.answer(invite, 200, 'OK');
  const ok = await caller.next('200');
  assert.equal(idOf(ok.text), 'one@x');
  caller.send(caller.request('ACK', contactIn(ok.text), { callId: 'one@x', to }), daemon.port);
  assert.equal(idOf((await gateway.next('ACK')).text), shown);
  const back = { callId: shown, from: to, to: '<sip:alice@a.example>;tag=ft', cseq: 7 };
  gateway.send(gateway.request('INFO', contactIn(invite.text), back), daemon.port);
  const info = await caller.next('INFO');
  assert.equal(idOf(info.text), 'one@x');
  caller.answer(info, 200, 'OK');
  assert.equal(idOf((await gateway.next('200')).text), shown);
  caller.send(caller.request('INFO', contactIn(ok.text), { callId: shown, to, cseq: 2 }), daemon.port);
  await caller.next('404');
  const { Dialogs } = (await daemon.daemon.mi.execute('dlg_list', {})) as { Dialogs: { ID: string }[] };
  await daemon.daemon.mi.execute('dlg_end_dlg', { dialog_id: Dialogs[0]?.ID ?? '' });
  assert.equal(idOf((await caller.next('BYE')).text), 'one@x');
  assert.equal(idOf((await gateway.next('BYE')).text), shown);
  // A rejected call and a cancelled one: ACK and CANCEL contain the URIs that the callee knows.
  const refused = await begin('two@x');
  gateway.answer(refused, 486, 'Busy Here');
  assert.equal(idOf((await caller.next('486')).text), 'two@x');
  assert.equal(idOf((await gateway.next('ACK')).text), idOf(refused.text));
  const ringing = await begin('three@x');
  gateway.answer(ringing, 180, 'Ringing');
  const progress = await caller.next('180');
  assert.equal(idOf(progress.text), 'three@x');
  caller.send(caller.request('CANCEL', 'sip:bob@example.com', { callId: 'three@x', branch: 'thr' }), daemon.port);
  assert.equal(idOf((await gateway.next('CANCEL')).text), idOf(ringing.text));
});
