import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startCfgDaemon } from '../support/cfg-daemon.js';
import { headersOf, RawAgent, routeLines } from '../support/raw-agent.js';

const open: (() => unknown)[] = [];
after(async () => {
  for (const close of open.reverse()) await close();
});

for (const dialect of ['kamailio', 'opensips'] as const) {
  test(`${dialect}: From and To that were replaced are what each side knows, in the whole dialog and its replies`, async () => {
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
