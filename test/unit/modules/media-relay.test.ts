import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { FakeRtpengine } from '../../support/fake-rtpengine.js';
import { FakeRtpproxy } from '../../support/fake-rtpproxy.js';
import { answerTo, INVITE, type ScriptRunner, startScript } from '../../support/script-run.js';
import { until } from '../../support/until.js';

const closing: (() => unknown)[] = [];
after(async () => {
  for (const close of closing.reverse()) await close();
});

const sdp = (address: string, port: number): string =>
  ['v=0', `o=- 1 1 IN IP4 ${address}`, 's=-', `c=IN IP4 ${address}`, 't=0 0', `m=audio ${port} RTP/AVP 0`, ''].join(
    '\r\n',
  );

/** A message with SDP in place of its empty body. */
function withSdp(message: string, body: string): string {
  return message.replace(
    'Content-Length: 0\r\n\r\n',
    `Content-Type: application/sdp\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

/** The reply of the callee. */
function reply(invite: string, status: string, body = ''): string {
  const text = answerTo(invite, status, { tag: 'tt', headers: ['Contact: <sip:bob@127.0.0.1:5090>'] });
  return body === '' ? text : withSdp(text, body);
}

/** A request within the dialog, sent to this proxy by its Record-Route. */
function within(invite: string, from: 'caller' | 'callee', method: string, cseq: number): string {
  const route = /^Record-Route: (.*)$/m.exec(invite)?.[1] ?? '';
  const [a, b] = ['<sip:alice@a.example>;tag=ft', '<sip:bob@b.example>;tag=tt'];
  const [port, other] = from === 'caller' ? [5070, 5090] : [5090, 5070];
  return [
    `${method} sip:x@127.0.0.1:${other} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK${method}${cseq}`,
    `Route: ${route}`,
    'Max-Forwards: 70',
    `From: ${from === 'caller' ? a : b}`,
    `To: ${from === 'caller' ? b : a}`,
    'Call-ID: a@a.example',
    `CSeq: ${cseq} ${method}`,
    `Contact: <sip:x@127.0.0.1:${port}>`,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

const bodyOf = (text: string): string => text.slice(text.indexOf('\r\n\r\n') + 4);

/** The first message sent to a port that begins like this, from `from` on. */
async function sent({ sent: all }: ScriptRunner, port: number, start: string, from = 0): Promise<string> {
  const found = () => all.slice(from).find((each) => each.port === port && each.text.startsWith(start))?.text;
  await until(`${start} to ${port}`, () => found() !== undefined, { milliseconds: 8000 });
  return found() ?? '';
}

const SCRIPT = (engage: string): string => `route {
  if (has_totag()) { loose_route(); t_relay(); exit; }
  ${engage}
  record_route(); $du = "sip:127.0.0.1:5090"; t_relay();
}`;

async function rtpproxyCall(engage: string): Promise<{ fake: FakeRtpproxy; runner: ScriptRunner }> {
  const fake = await FakeRtpproxy.open('192.0.2.9');
  closing.push(() => fake.close());
  const runner = startScript({
    dialect: 'opensips',
    modules: 'dialog rtpproxy rtp_relay',
    head: `modparam("rtpproxy", "rtpproxy_sock", "udp:127.0.0.1:${fake.port}")`,
    script: SCRIPT(engage),
  });
  closing.push(() => runner.stop());
  return { fake, runner };
}

test('rtpproxy_engage() relays the media of a call from its INVITE to its BYE', async () => {
  const { fake, runner } = await rtpproxyCall('rtpproxy_engage("co");');
  runner.receive(withSdp(INVITE, sdp('10.0.0.1', 4000)));
  const invite = await sent(runner, 5090, 'INVITE');
  assert.match(bodyOf(invite), /c=IN IP4 192\.0\.2\.9\r\n[\s\S]*m=audio 40000 /);
  runner.receive(reply(invite, '183 Session Progress', sdp('10.0.0.2', 5000)), 5090);
  assert.match(bodyOf(await sent(runner, 5070, 'SIP/2.0 183')), /c=IN IP4 192\.0\.2\.9\r\n[\s\S]*m=audio 40002 /);
  const answer = reply(invite, '200 OK', sdp('10.0.0.2', 5000));
  runner.receive(answer, 5090);
  const ok = await sent(runner, 5070, 'SIP/2.0 200');
  assert.match(bodyOf(ok), /c=IN IP4 192\.0\.2\.9\r\n[\s\S]*m=audio 40004 /);
  // A retransmission says the same, and the media proxy is not asked again.
  const before = runner.sent.length;
  runner.receive(answer, 5090);
  assert.equal(await sent(runner, 5070, 'SIP/2.0 200', before), ok);
  runner.receive(within(invite, 'caller', 'ACK', 1));
  await sent(runner, 5090, 'ACK');
  const at = runner.sent.length;
  runner.receive(withSdp(within(invite, 'callee', 'INVITE', 7), sdp('10.0.0.2', 6000)), 5090);
  const again = await sent(runner, 5070, 'INVITE', at);
  assert.match(bodyOf(again), /c=IN IP4 192\.0\.2\.9\r\n[\s\S]*m=audio 40006 /);
  runner.receive(withSdp(answerTo(again, '200 OK'), sdp('10.0.0.1', 7000)), 5070);
  assert.match(bodyOf(await sent(runner, 5090, 'SIP/2.0 200', at)), /m=audio 40008 /);
  runner.receive(within(invite, 'caller', 'BYE', 2));
  await sent(runner, 5090, 'BYE');
  await until('six commands', () => fake.commands.length === 6, { milliseconds: 8000 });
  assert.deepEqual(fake.commands, [
    'U a@a.example 127.0.0.1 4000 ft;1',
    'L a@a.example 127.0.0.1 5000 ft;1 tt;1',
    'L a@a.example 127.0.0.1 5000 ft;1 tt;1',
    'U a@a.example 127.0.0.1 6000 tt;1 ft;1',
    'L a@a.example 127.0.0.1 7000 tt;1 ft;1',
    'D a@a.example ft',
  ]);
});

test('after an INVITE without SDP its reply has the offer, and the ACK the answer', async () => {
  const { fake, runner } = await rtpproxyCall('rtpproxy_engage();');
  runner.receive(INVITE);
  const invite = await sent(runner, 5090, 'INVITE');
  assert.deepEqual(fake.commands, []);
  runner.receive(reply(invite, '200 OK', sdp('10.0.0.2', 5000)), 5090);
  assert.match(bodyOf(await sent(runner, 5070, 'SIP/2.0 200')), /m=audio 40000 /);
  runner.receive(withSdp(within(invite, 'caller', 'ACK', 1), sdp('10.0.0.1', 4000)));
  assert.match(bodyOf(await sent(runner, 5090, 'ACK')), /m=audio 40002 /);
  assert.deepEqual(fake.commands, ['U a@a.example 127.0.0.1 5000 tt;1 ft;1', 'L a@a.example 127.0.0.1 4000 tt;1 ft;1']);
});

test('a call that fails is ended at the media proxy', async () => {
  const { fake, runner } = await rtpproxyCall('rtp_relay_engage("rtpproxy");');
  runner.receive(withSdp(INVITE, sdp('10.0.0.1', 4000)));
  runner.receive(reply(await sent(runner, 5090, 'INVITE'), '486 Busy Here'), 5090);
  await sent(runner, 5070, 'SIP/2.0 486');
  await until('the end', () => fake.commands.length === 2, { milliseconds: 8000 });
  assert.equal(fake.commands[1], 'D a@a.example ft');
});

async function rtpengineCall(
  engage: string,
  more = '',
  modules = '',
): Promise<{ fake: FakeRtpengine; runner: ScriptRunner }> {
  const fake = await FakeRtpengine.open('192.0.2.7');
  closing.push(() => fake.close());
  const runner = startScript({
    dialect: 'opensips',
    modules: `dialog rtpengine rtp_relay ${modules}`,
    head: `modparam("rtpengine", "rtpengine_sock", "1 == udp:127.0.0.1:${fake.port}")`,
    script: SCRIPT(engage) + more,
  });
  closing.push(() => runner.stop());
  return { fake, runner };
}

test('rtp_relay_engage() gives rtpengine the settings of both sides', async () => {
  const { fake, runner } = await rtpengineCall(
    `$rtp_relay = "RTP/AVP replace-origin"; $rtp_relay(iface) = "inside"; $rtp_relay_peer = "RTP/SAVP"; $rtp_relay_peer(iface) = "outside";
     rtp_relay_engage("rtpengine", 1); xlog("$rc $rtp_relay $(rtp_relay_peer(iface)) $rtp_relay_ctx(callid)\\n"); t_on_reply("answer"); t_on_branch("leaving");`,
    'branch_route[leaving] { $rtp_relay = "RTP/AVPF replace-origin"; }\nonreply_route[answer] { xlog("$rtp_relay $rtp_relay_peer\\n"); }',
  );
  runner.receive(withSdp(INVITE, sdp('10.0.0.1', 4000)));
  const invite = await sent(runner, 5090, 'INVITE');
  assert.match(bodyOf(invite), /192\.0\.2\.7/);
  runner.receive(reply(invite, '200 OK', sdp('10.0.0.2', 5000)), 5090);
  assert.match(bodyOf(await sent(runner, 5070, 'SIP/2.0 200')), /192\.0\.2\.7/);
  runner.receive(within(invite, 'callee', 'BYE', 2), 5090);
  await until('three commands', () => fake.commands.length === 3, { milliseconds: 8000 });
  const seen = fake.commands.map((each) => [
    each['command'],
    each['transport-protocol'],
    each['direction'],
    each['from-tag'],
  ]);
  assert.deepEqual(seen, [
    ['offer', 'RTP/AVPF', ['inside', 'outside'], 'ft'],
    ['answer', 'RTP/SAVP', ['outside', 'inside'], 'ft'],
    ['delete', undefined, undefined, 'ft'],
  ]);
  assert.deepEqual(runner.lines, ['1 RTP/AVP replace-origin outside a@a.example', 'RTP/SAVP RTP/AVPF replace-origin']);
});

test('the media proxy knows a call with a hidden Call-ID by its own, whatever this contains', async () => {
  const { fake, runner } = await rtpengineCall(
    'topology_hiding("C"); rtp_relay_engage("rtpengine", 1);',
    '',
    'topology_hiding',
  );
  const callId = 'a call-id=other from-tag=x';
  runner.receive(withSdp(INVITE, sdp('10.0.0.1', 4000)).replace('Call-ID: a@a.example', `Call-ID: ${callId}`));
  const invite = await sent(runner, 5090, 'INVITE');
  assert.ok(!invite.includes(callId), invite);
  runner.receive(reply(invite, '200 OK', sdp('10.0.0.2', 5000)), 5090);
  await sent(runner, 5070, 'SIP/2.0 200');
  const seen = fake.commands.map((each) => [each['command'], each['call-id'], each['from-tag']]);
  assert.deepEqual(seen, [
    ['offer', callId, 'ft'],
    ['answer', callId, 'ft'],
  ]);
});

test('the SDP of a side whose media are not relayed is unchanged', async () => {
  const { fake, runner } = await rtpengineCall('$rtp_relay(disabled) = 1; rtp_relay_engage("rtpengine", 1);');
  const body = sdp('10.0.0.1', 4000);
  runner.receive(withSdp(INVITE, body));
  assert.equal(bodyOf(await sent(runner, 5090, 'INVITE')), body);
  assert.deepEqual(fake.commands, []);
});

test('arguments that the engage functions cannot use are refused with the reason', async () => {
  const { fake, runner } = await rtpengineCall(
    'rtp_relay_engage("rtpengine", 9); xlog("$rc\\n"); rtp_relay_engage("rtpproxy"); xlog("$rc\\n");',
  );
  runner.receive(withSdp(INVITE, sdp('10.0.0.1', 4000)));
  await sent(runner, 5090, 'INVITE');
  assert.deepEqual(runner.lines, ['-1', '-1']);
  assert.deepEqual(fake.commands, []);
  const without = (script: string) => startScript({ dialect: 'opensips', modules: 'rtpproxy rtp_relay', script });
  assert.throws(() => without('rtpproxy_engage();'), /rtpproxy_engage\(\) needs module dialog/);
  assert.throws(() => without('xlog("$rtp_relay(x)\\n");'), /"x" is none of flags, peer, ip/);
  assert.throws(() => without('rtp_relay_engage("other");'), /other/);
});
