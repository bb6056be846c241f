import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startCfgDaemon } from '../support/cfg-daemon.js';
import { headersOf, RawAgent, routeLines } from '../support/raw-agent.js';

const open: (() => unknown)[] = [];
after(async () => {
  for (const close of open.reverse()) await close();
});

for (const dialect of ['kamailio', 'opensips'] as const) {
  test(`${dialect}: each side sees the From and To that it knows, in all requests and replies of the dialog`, async () => {
    const [caller, gateway] = [await RawAgent.open('127.0.0.1'), await RawAgent.open('127.0.0.1')];
    open.push(
      () => caller.close(),
      () => gateway.close(),
    );
    const kamailio = dialect === 'kamailio';
    const daemon = await startCfgDaemon({
      text: `#!${dialect.toUpperCase()}
${kamailio ? 'listen' : 'socket'}=LISTEN
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sl.so"
${kamailio ? 'loadmodule "pv.so"\nloadmodule "siputils.so"' : 'loadmodule "sipmsgops.so"\nloadmodule "dialog.so"'}
loadmodule "uac.so"
modparam("uac", "restore_mode", "auto")
${kamailio ? 'request_route' : 'route'} {
  if (has_totag()) { loose_route(); t_relay(); exit; }
  record_route();
  uac_replace_from("", "sip:anonymous@hidden.example");
  uac_replace_to("", "sip:+49123@carrier.example");
  $du = "${gateway.uri}";
  t_relay();
}
`,
    });
    open.push(() => daemon.stop());
    const callId = `${dialect}@x`;
    const from = '"Alice" <sip:alice@a.example>;tag=ft';
    const to = '<sip:bob@b.example>';
    const uriOf = (text: string, name: string): string => /<([^>]*)>/.exec(headersOf(text, name)[0] ?? '')?.[1] ?? '';
    const hidden = ['sip:anonymous@hidden.example', 'sip:+49123@carrier.example'];
    const own = ['sip:alice@a.example', 'sip:bob@b.example'];
    caller.send(caller.request('INVITE', 'sip:bob@example.com', { callId, from, to }), daemon.port);
    const invite = await gateway.next('INVITE');
    assert.deepEqual([uriOf(invite.text, 'from'), uriOf(invite.text, 'to')], hidden);
    gateway.answer(invite, 180, 'Ringing');
    const ringing = await caller.next('180');
    assert.deepEqual(headersOf(ringing.text, 'from'), [from]);
    assert.deepEqual(headersOf(ringing.text, 'to'), [`${to};tag=tt`]);
    gateway.answer(invite, 200, 'OK');
    const ok = await caller.next('200');
    assert.deepEqual(headersOf(ok.text, 'from'), [from]);
    // A retransmission of the answer is changed as well.
    gateway.answer(invite, 200, 'OK');
    assert.deepEqual(headersOf((await caller.next('200')).text, 'from'), [from]);
    const more = routeLines(ok.text);
    caller.send(caller.request('ACK', gateway.uri, { callId, from, to: `${to};tag=tt`, more }), daemon.port);
    const ack = await gateway.next('ACK');
    assert.deepEqual([uriOf(ack.text, 'from'), uriOf(ack.text, 'to')], hidden);
    // The callee hangs up: it knows the changed URIs; its From is the To of the INVITE.
    const route = headersOf(invite.text, 'record-route')
      .map((each) => `Route: ${each}\r\n`)
      .join('');
    const bye = gateway.request('BYE', caller.uri, {
      callId,
      cseq: 7,
      from: `<${hidden[1]}>;tag=tt`,
      to: `<${hidden[0]}>;tag=ft`,
      more: route,
    });
    gateway.send(bye, daemon.port);
    const received = await caller.next('BYE');
    assert.deepEqual([uriOf(received.text, 'to'), uriOf(received.text, 'from')], own);
    caller.answer(received, 200, 'OK');
    const done = await gateway.next('200');
    assert.deepEqual([uriOf(done.text, 'to'), uriOf(done.text, 'from')], hidden);
  });
}

test('kamailio: the Record-Route of a request inside the dialog shows what was replaced, as that of the first one', async () => {
  const [caller, gateway] = [await RawAgent.open('127.0.0.1'), await RawAgent.open('127.0.0.1')];
  open.push(
    () => caller.close(),
    () => gateway.close(),
  );
  const daemon = await startCfgDaemon({
    text: `#!KAMAILIO
listen=LISTEN
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "siputils.so"
loadmodule "uac.so"
request_route {
  record_route();
  if (has_totag()) loose_route();
  else {
    uac_replace_from("", "sip:anonymous@hidden.example");
    $du = "${gateway.uri}";
  }
  t_relay();
}
`,
  });
  open.push(() => daemon.stop());
  const callId = 'again@x';
  const from = '<sip:alice@a.example>;tag=ft';
  caller.send(
    caller.request('INVITE', 'sip:bob@example.com', { callId, from, to: '<sip:bob@b.example>' }),
    daemon.port,
  );
  const invite = await gateway.next('INVITE');
  gateway.answer(invite, 200, 'OK');
  const ok = await caller.next('200');
  const again = { callId, from, to: '<sip:bob@b.example>;tag=tt', cseq: 2, more: routeLines(ok.text) };
  caller.send(caller.request('INVITE', gateway.uri, again), daemon.port);
  const second = await gateway.next('INVITE');
  const shown = (text: string) => /;vsf=[\w+/-]+/.exec(headersOf(text, 'record-route')[0] ?? '')?.[0];
  assert.match(String(shown(invite.text)), /;vsf=/);
  assert.equal(shown(second.text), shown(invite.text));
});

/** How a script without Record-Route finds the dialog of a later request. */
const WITHOUT_ROUTE = {
  'topology hiding': ['topology_hiding("U");', 'topology_hiding_match();'],
  'match_dialog()': ['create_dialog();', 'match_dialog();'],
} as const;

for (const [name, [begin, within]] of Object.entries(WITHOUT_ROUTE)) {
  test(`opensips: with ${name} the dialog keeps the original From, and each side sees the From that it knows`, async () => {
    const [caller, gateway] = [await RawAgent.open('127.0.0.1'), await RawAgent.open('127.0.0.1')];
    open.push(
      () => caller.close(),
      () => gateway.close(),
    );
    const daemon = await startCfgDaemon({
      text: `#!OPENSIPS
socket=LISTEN
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sl.so"
loadmodule "sipmsgops.so"
loadmodule "dialog.so"
loadmodule "topology_hiding.so"
loadmodule "uac.so"
route {
  if (has_totag()) {
    ${within}
    if ($ft == "ft") $du = "${gateway.uri}"; else $du = "${caller.uri}";
    t_relay();
    exit;
  }
  ${begin}
  uac_replace_from("", "sip:anonymous@hidden.example");
  $du = "${gateway.uri}";
  t_relay();
}
`,
    });
    open.push(() => daemon.stop());
    const callId = `${within.slice(0, 5)}@x`;
    const from = '"Alice" <sip:alice@a.example>;tag=ft';
    const to = '<sip:bob@b.example>';
    const hidden = '<sip:anonymous@hidden.example>;tag=ft';
    const contactOf = (text: string): string => /<([^>]*)>/.exec(headersOf(text, 'contact')[0] ?? '')?.[1] ?? '';
    const uri = (text: string, field: string): string | undefined =>
      /<([^>]*)>/.exec(headersOf(text, field)[0] ?? '')?.[1];
    caller.send(caller.request('INVITE', 'sip:bob@example.com', { callId, from, to }), daemon.port);
    const invite = await gateway.next('INVITE');
    assert.deepEqual(headersOf(invite.text, 'from'), [hidden]);
    gateway.answer(invite, 200, 'OK');
    const ok = await caller.next('200');
    const target = contactOf(ok.text);
    const mine = { callId, from, to: `${to};tag=tt` };
    caller.send(caller.request('ACK', target, mine), daemon.port);
    assert.equal(uri((await gateway.next('ACK')).text, 'from'), 'sip:anonymous@hidden.example');
    caller.send(caller.request('INFO', target, { ...mine, cseq: 2 }), daemon.port);
    const info = await gateway.next('INFO');
    assert.equal(uri(info.text, 'from'), 'sip:anonymous@hidden.example');
    gateway.answer(info, 200, 'OK');
    assert.deepEqual(headersOf((await caller.next('200')).text, 'from'), [from]);
    const theirs = { callId, cseq: 7, from: `${to};tag=tt`, to: hidden };
    gateway.send(gateway.request('BYE', contactOf(invite.text), theirs), daemon.port);
    const bye = await caller.next('BYE');
    assert.equal(uri(bye.text, 'to'), 'sip:alice@a.example');
    caller.answer(bye, 200, 'OK');
    assert.deepEqual(headersOf((await gateway.next('200')).text, 'to'), [hidden]);
  });
}

test('opensips: the BYE at the end of the lifetime has for each side the From and To that it knows', async () => {
  const [caller, gateway] = [await RawAgent.open('127.0.0.1'), await RawAgent.open('127.0.0.1')];
  open.push(
    () => caller.close(),
    () => gateway.close(),
  );
  const daemon = await startCfgDaemon({
    text: `#!OPENSIPS
socket=LISTEN
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sl.so"
loadmodule "sipmsgops.so"
loadmodule "dialog.so"
loadmodule "uac.so"
route {
  if (has_totag()) { loose_route(); t_relay(); exit; }
  record_route();
  create_dialog("B");
  $DLG_timeout = 1;
  uac_replace_from("", "sip:anonymous@hidden.example");
  uac_replace_to("", "sip:+49123@carrier.example");
  $du = "${gateway.uri}";
  t_relay();
}
`,
  });
  open.push(() => daemon.stop());
  const from = '"Alice" <sip:alice@a.example>;tag=ft';
  const to = '<sip:bob@b.example>';
  const uris = (text: string): (string | undefined)[] =>
    ['from', 'to'].map((name) => /<([^>]*)>/.exec(headersOf(text, name)[0] ?? '')?.[1]);
  caller.send(caller.request('INVITE', 'sip:bob@example.com', { callId: 'life@x', from, to }), daemon.port);
  gateway.answer(await gateway.next('INVITE'), 200, 'OK');
  const more = routeLines((await caller.next('200')).text);
  caller.send(caller.request('ACK', gateway.uri, { callId: 'life@x', from, to: `${to};tag=tt`, more }), daemon.port);
  await gateway.next('ACK');
  const [there, here] = await Promise.all([gateway.next('BYE'), caller.next('BYE')]);
  gateway.answer(there, 200, 'OK');
  caller.answer(here, 200, 'OK');
  assert.deepEqual(headersOf(there.text, 'from'), ['<sip:anonymous@hidden.example>;tag=ft']);
  assert.deepEqual(uris(there.text), ['sip:anonymous@hidden.example', 'sip:+49123@carrier.example']);
  assert.deepEqual(uris(here.text), ['sip:bob@b.example', 'sip:alice@a.example']);
});

test('opensips: restore_mode "manual" restores the replies', async () => {
  const [caller, gateway] = [await RawAgent.open('127.0.0.1'), await RawAgent.open('127.0.0.1')];
  open.push(
    () => caller.close(),
    () => gateway.close(),
  );
  const daemon = await startCfgDaemon({
    text: `#!OPENSIPS
socket=LISTEN
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "uac.so"
modparam("uac", "restore_mode", "manual")
route {
  uac_replace_from("", "sip:anonymous@hidden.example");
  $du = "${gateway.uri}";
  t_relay();
}
`,
  });
  open.push(() => daemon.stop());
  const from = '"Alice" <sip:alice@a.example>;tag=ft';
  caller.send(caller.request('INVITE', 'sip:bob@example.com', { callId: 'manual@x', from }), daemon.port);
  const invite = await gateway.next('INVITE');
  assert.deepEqual(headersOf(invite.text, 'from'), ['<sip:anonymous@hidden.example>;tag=ft']);
  gateway.answer(invite, 200, 'OK');
  assert.deepEqual(headersOf((await caller.next('200')).text, 'from'), [from]);
});
