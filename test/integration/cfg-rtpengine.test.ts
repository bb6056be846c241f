import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type CfgDaemon, startCfgDaemon, wrote } from '../support/cfg-daemon.js';
import { FakeRtpengine } from '../support/fake-rtpengine.js';
import { bodyOf, headersOf, RawAgent, routeLines } from '../support/raw-agent.js';
import { until } from '../support/until.js';

const open: (() => unknown)[] = [];
after(async () => {
  for (const close of open.reverse()) await close();
});

async function agent(): Promise<RawAgent> {
  const made = await RawAgent.open('127.0.0.1');
  open.push(() => made.close());
  return made;
}

async function engine(media: string): Promise<FakeRtpengine> {
  const made = await FakeRtpengine.open(media);
  open.push(() => made.close());
  return made;
}

async function serve(text: string): Promise<CfgDaemon> {
  const daemon = await startCfgDaemon({ text });
  open.push(() => daemon.stop());
  return daemon;
}

const sdp = (address: string): string =>
  ['v=0', 'o=- 1 1 IN IP4 10.0.0.1', 's=-', `c=IN IP4 ${address}`, 't=0 0', 'm=audio 4000 RTP/AVP 0', ''].join('\r\n');

const KAMAILIO = (gateway: RawAgent, sockets: string, more = '') => `#!KAMAILIO
listen=LISTEN
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "rtpengine.so"
modparam("rtpengine", "rtpengine_sock", "${sockets}")
modparam("rtpengine", "rtpengine_tout_ms", 60)
modparam("rtpengine", "rtpengine_retr", 1)
${more}
request_route {
  if (has_totag()) {
    loose_route();
    if (is_method("BYE")) rtpengine_delete();
    t_relay();
    exit;
  }
  record_route();
  $du = "${gateway.uri}";
  t_on_branch("B");
  t_on_reply("R");
  t_on_failure("F");
  t_relay();
}
branch_route[B] { rtpengine_manage("replace-origin ICE=remove RTP/AVP direction=priv direction=pub"); xlog("branch $rc\\n"); }
onreply_route[R] { if (has_body("application/sdp")) { rtpengine_manage("trust-address"); xlog("reply $rs $rc\\n"); } }
failure_route[F] { rtpengine_delete(); xlog("failure $rc\\n"); }
`;

test('the SDP of offer and answer goes through the media proxy, from branch and reply routes, and BYE deletes the call', async () => {
  const [caller, gateway] = [await agent(), await agent()];
  const proxy = await engine('192.0.2.77');
  const daemon = await serve(KAMAILIO(gateway, `udp:127.0.0.1:${proxy.port}`));
  const callId = 'media@x';
  caller.send(caller.request('INVITE', 'sip:bob@example.com', { callId, body: sdp('10.0.0.1') }), daemon.port);
  const invite = await gateway.next('INVITE');
  assert.equal(bodyOf(invite.text), sdp('192.0.2.77'));
  assert.deepEqual(headersOf(invite.text, 'content-length'), [String(bodyOf(invite.text).length)]);
  gateway.answer(invite, 180, 'Ringing');
  await caller.next('180');
  gateway.answer(invite, 200, 'OK', { body: sdp('10.0.0.2') });
  const ok = await caller.next('200');
  assert.equal(bodyOf(ok.text), sdp('192.0.2.77'));
  const to = '<sip:bob@b.example>;tag=tt';
  const more = routeLines(ok.text);
  caller.send(caller.request('ACK', gateway.uri, { callId, to, more }), daemon.port);
  await gateway.next('ACK');
  caller.send(caller.request('BYE', gateway.uri, { callId, to, more, cseq: 2 }), daemon.port);
  gateway.answer(await gateway.next('BYE'), 200, 'OK');
  await caller.next('200');
  const [offer, answer, removal] = proxy.commands;
  assert.deepEqual(proxy.names, ['offer', 'answer', 'delete']);
  assert.equal(offer?.['call-id'], callId);
  assert.equal(offer?.['from-tag'], 'ft');
  assert.equal(offer?.['to-tag'], undefined);
  assert.deepEqual(offer?.['replace'], ['origin']);
  assert.equal(offer?.['ICE'], 'remove');
  assert.equal(offer?.['transport-protocol'], 'RTP/AVP');
  assert.deepEqual(offer?.['direction'], ['priv', 'pub']);
  assert.deepEqual(offer?.['received-from'], ['IP4', '127.0.0.1']);
  assert.equal(answer?.['from-tag'], 'ft');
  assert.equal(answer?.['to-tag'], 'tt');
  assert.deepEqual(answer?.['flags'], ['trust-address']);
  assert.equal(removal?.['from-tag'], 'ft');
  await wrote(daemon, ['branch 1', 'reply 200 1']);
});

test('copies of the INVITE and of the answer start nothing twice while the script waits for the media proxy', async () => {
  const [caller, gateway] = [await agent(), await agent()];
  const proxy = await engine('192.0.2.77');
  const daemon = await serve(KAMAILIO(gateway, `udp:127.0.0.1:${proxy.port}`));
  const invite = caller.request('INVITE', 'sip:bob@example.com', { callId: 'copies@x', body: sdp('10.0.0.1') });
  proxy.loses = 1;
  caller.send(invite, daemon.port);
  caller.send(invite, daemon.port);
  const received = await gateway.next('INVITE');
  proxy.loses = 1;
  gateway.answer(received, 200, 'OK', { body: sdp('10.0.0.2') });
  gateway.answer(received, 200, 'OK', { body: sdp('10.0.0.2') });
  const ok = await caller.next('200');
  assert.equal(bodyOf(ok.text), sdp('192.0.2.77'));
  // The next call is sent after everything that the copies started.
  caller.send(
    caller.request('INVITE', 'sip:bob@example.com', { callId: 'next@x', body: sdp('10.0.0.1') }),
    daemon.port,
  );
  await gateway.next('INVITE');
  assert.deepEqual(proxy.names, ['offer', 'answer', 'offer']);
  assert.deepEqual(
    gateway.received.map(({ start }) => start),
    [],
  );
});

test('a media proxy that does not answer is left out, and asked again when it is back', async () => {
  const [caller, gateway] = [await agent(), await agent()];
  const [first, second] = [await engine('192.0.2.1'), await engine('192.0.2.2')];
  const sockets = `udp:127.0.0.1:${first.port}=1000 udp:127.0.0.1:${second.port}=1`;
  const daemon = await serve(KAMAILIO(gateway, sockets, 'modparam("rtpengine", "rtpengine_disable_tout", 1)'));
  const callOnce = async (callId: string): Promise<string> => {
    caller.send(caller.request('INVITE', 'sip:bob@example.com', { callId, body: sdp('10.0.0.1') }), daemon.port);
    const invite = await gateway.next('INVITE');
    gateway.answer(invite, 486, 'Busy Here');
    await caller.next('486');
    return /c=IN IP4 (\S+)/.exec(bodyOf(invite.text))?.[1] ?? '';
  };
  await until('it is used', async () => (await callOnce(`s${Math.random()}@x`)) === '192.0.2.1');
  // The call before is deleted there too.
  await until('the end of the call', () => first.names.at(-1) === 'delete');
  const before = first.datagrams;
  first.silent = true;
  assert.equal(await callOnce('one@x'), '192.0.2.2');
  assert.equal(first.datagrams, before + 2, 'sent once and again');
  assert.equal(await callOnce('two@x'), '192.0.2.2');
  assert.equal(first.datagrams, before + 2, 'left out');
  const shown = (await daemon.daemon.callRpc('rtpengine.show', ['all'])) as { result: Record<string, unknown>[] };
  assert.deepEqual(
    shown.result.map(({ disabled }) => disabled),
    ['1', '0'],
  );
  const pings = first.pings;
  first.silent = false;
  await until('the ping', () => first.pings > pings);
  await until('it is used', async () => (await callOnce(`n${Math.random()}@x`)) === '192.0.2.1');
  assert.ok(second.names.includes('delete'), 'a call that failed is deleted');
  await daemon.daemon.callRpc('rtpengine.enable', [`udp:127.0.0.1:${first.port}`, 0]);
  assert.equal(await callOnce('off@x'), '192.0.2.2');
});

test('a media proxy that does not answer the ping at the start is not asked in a call', async () => {
  const [caller, gateway] = [await agent(), await agent()];
  const [first, second] = [await engine('192.0.2.1'), await engine('192.0.2.2')];
  first.silent = true;
  const sockets = `udp:127.0.0.1:${first.port}=1000 udp:127.0.0.1:${second.port}=1`;
  const daemon = await serve(KAMAILIO(gateway, sockets));
  await until('the ping of the second', () => second.pings === 1);
  await until('the first is left out', async () => {
    const { result } = (await daemon.daemon.callRpc('rtpengine.show', ['all'])) as { result: { disabled: string }[] };
    return result[0]?.disabled === '1' && result[1]?.disabled === '0';
  });
  caller.send(caller.request('INVITE', 'sip:bob@example.com', { callId: 'a@x', body: sdp('10.0.0.1') }), daemon.port);
  const invite = await gateway.next('INVITE');
  assert.match(bodyOf(invite.text), /c=IN IP4 192\.0\.2\.2/);
  gateway.answer(invite, 486, 'Busy Here');
  await caller.next('486');
  assert.deepEqual([first.pings, first.datagrams], [2, 0]);
});

test('opensips.cfg: a set is chosen, the SDP goes into a variable, and an error of the media proxy is returned', async () => {
  const [caller, gateway] = [await agent(), await agent()];
  const [zero, one] = [await engine('192.0.2.10'), await engine('192.0.2.11')];
  const daemon = await serve(`#!OPENSIPS
socket=LISTEN
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "sipmsgops.so"
loadmodule "rtpengine.so"
modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:${zero.port}")
modparam("rtpengine", "rtpengine_sock", "1 == udp:127.0.0.1:${one.port}")
route {
  if ($rU == "variable") {
    rtpengine_offer("trust-address", , $var(sdp));
    xlog("$rc $(var(sdp){s.select,3,\\n})\\n");
  } else {
    rtpengine_use_set(1);
    rtpengine_offer("trust-address");
    xlog("$rc\\n");
  }
  $du = "${gateway.uri}";
  t_relay();
}
`);
  const send = (user: string): void =>
    caller.send(
      caller.request('INVITE', `sip:${user}@example.com`, { callId: `${user}@x`, body: sdp('10.0.0.1') }),
      daemon.port,
    );
  send('variable');
  assert.equal(bodyOf((await gateway.next('INVITE')).text), sdp('10.0.0.1'));
  send('set');
  assert.equal(bodyOf((await gateway.next('INVITE')).text), sdp('192.0.2.11'));
  one.refuses = 'no ports';
  send('refused');
  assert.equal(bodyOf((await gateway.next('INVITE')).text), sdp('10.0.0.1'));
  await until('its lines', () => daemon.script.length >= 3, { show: () => daemon.script });
  assert.deepEqual(
    daemon.script.map((each) => each.trim()),
    ['1 c=IN IP4 192.0.2.10', '1', '-1'],
  );
});

test('a call without a chosen set uses that of setid_avp, else that of setid_default', async () => {
  const [caller, gateway] = [await agent(), await agent()];
  const [five, six] = [await engine('192.0.2.15'), await engine('192.0.2.16')];
  const sockets = `5 == udp:127.0.0.1:${five.port}")\nmodparam("rtpengine", "rtpengine_sock", "6 == udp:127.0.0.1:${six.port}`;
  const more = 'modparam("rtpengine", "setid_default", 5)\nmodparam("rtpengine", "setid_avp", "$avp(set)")';
  const cfg = KAMAILIO(gateway, sockets, more).replace('record_route();', 'if ($rU == "six") $avp(set) = 6;');
  const daemon = await serve(cfg);
  for (const [user, media] of [
    ['five', '192.0.2.15'],
    ['six', '192.0.2.16'],
  ] as const) {
    const options = { callId: `${user}@x`, body: sdp('10.0.0.1') };
    caller.send(caller.request('INVITE', `sip:${user}@example.com`, options), daemon.port);
    assert.equal(bodyOf((await gateway.next('INVITE')).text), sdp(media));
  }
});

test('a reply route for all replies waits for the media proxy as well', async () => {
  const [caller, gateway] = [await agent(), await agent()];
  const proxy = await engine('192.0.2.77');
  const daemon = await serve(`#!KAMAILIO
listen=LISTEN
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "textops.so"
loadmodule "rtpengine.so"
modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:${proxy.port}")
request_route { $du = "${gateway.uri}"; t_relay(); }
reply_route { if (has_body("application/sdp")) { rtpengine_answer(); xlog("reply $rs $rc\\n"); } }
`);
  caller.send(caller.request('INVITE', 'sip:bob@example.com', { callId: 'global@x' }), daemon.port);
  const invite = await gateway.next('INVITE');
  gateway.answer(invite, 200, 'OK', { body: sdp('10.0.0.2') });
  const ok = await caller.next('200');
  assert.equal(bodyOf(ok.text), sdp('192.0.2.77'));
  await wrote(daemon, ['reply 200 1']);
});

test('rtpengine_query() gives $rtpstat and JSON, and fragments of trickle ICE are sent, as recorded of Kamailio 5.6.3', async () => {
  const caller = await agent();
  const proxy = await engine('192.0.2.77');
  const daemon = await serve(`#!KAMAILIO
listen=LISTEN
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "rtpengine.so"
modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:${proxy.port}")
request_route {
  if ($rm == "INFO") { rtpengine_info(); xlog("info $rc\\n"); sl_send_reply("200", "OK"); exit; }
  xlog("before [$rtpstat]\\n");
  rtpengine_query(); xlog("query $rc [$rtpstat] [$rtpestat]\\n");
  rtpengine_query_v("j", "$var(all)"); xlog("json $rc $var(all)\\n");
  sl_send_reply("200", "OK");
}
`);
  caller.send(caller.request('MESSAGE', 'sip:b@x', { callId: 'stat' }), daemon.port);
  await caller.next('200');
  const figures = 'RTP: 54846 bytes, 1447 packets, 0 errors; RTCP: 336 bytes, 3 packets, 0 errors';
  await wrote(daemon, [
    'before [<null>]',
    `query 1 [${figures}] [${figures}]`,
    'json 1 {"result":"ok","totals":{"RTCP":{"bytes":336,"errors":0,"packets":3},"RTP":{"bytes":54846,"errors":0,"packets":1447}}}',
  ]);
  const more = 'Content-Type: application/trickle-ice-sdpfrag\r\n';
  const info = caller.request('INFO', 'sip:b@x', { callId: 'stat', cseq: 2, body: 'a=ice-ufrag:x' });
  caller.send(info.replace(/Content-Type: [^\r]*\r\n/, more), daemon.port);
  await caller.next('200');
  await until('the line', () => daemon.script.at(-1) === 'info 1', { show: () => daemon.script });
  const sent = proxy.commands.at(-1);
  assert.deepEqual([sent?.['command'], sent?.['flags'], sent?.['sdp']], ['offer', ['fragment'], 'a=ice-ufrag:x']);
});
