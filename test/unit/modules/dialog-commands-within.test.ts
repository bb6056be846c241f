import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answerTo, INVITE, type ScriptRunner, startScript } from '../../support/script-run.js';
import { until } from '../../support/until.js';

const SDP = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n';

function withBody(message: string): string {
  const head = message.replace('Content-Length: 0', `Content-Type: application/sdp\r\nContent-Length: ${SDP.length}`);
  return `${head}${SDP}`;
}

/** A script with one answered dialog, whose callee is at port 5080. */
async function answered(
  contact = 'sip:bob@127.0.0.1:5080',
): Promise<ScriptRunner & { mi(name: string, params: Readonly<Record<string, unknown>>): Promise<unknown> }> {
  const runner = startScript({
    dialect: 'opensips',
    modules: 'dialog',
    head: 'modparam("dialog", "profiles_with_value", "peer")\nmodparam("dialog", "profiles_no_value", "all")',
    script:
      'route { if (has_totag()) { loose_route(); t_relay(); exit; } record_route(); create_dialog("reinvite-ping-callee"); $du = "sip:127.0.0.1:5080"; t_relay(); }',
  });
  const mi = (name: string, params: Readonly<Record<string, unknown>>): Promise<unknown> =>
    runner.daemon.mi.execute(name, params);
  runner.receive(withBody(INVITE));
  await until('the INVITE leaves', () => runner.sent.some(({ text }) => text.startsWith('INVITE')));
  const invite = runner.sent.find(({ text }) => text.startsWith('INVITE'))?.text ?? '';
  const ok = answerTo(invite, '200 OK', { tag: 'tt', headers: [`Contact: <${contact}>`] });
  runner.receive(withBody(ok), 5080);
  await until('the answer is relayed', () => runner.sent.some(({ text }) => text.startsWith('SIP/2.0 200')));
  const route = /^Record-Route: (.*)\r$/m.exec(invite)?.[1] ?? '';
  runner.receive(
    INVITE.replace(/^INVITE \S+/, 'ACK sip:bob@127.0.0.1:5080')
      .replace('z9hG4bK1', 'z9hG4bKack')
      .replace('CSeq: 1 INVITE', 'CSeq: 1 ACK')
      .replace('To: <sip:bob@b.example>', 'To: <sip:bob@b.example>;tag=tt')
      .replace('Max-Forwards', `Route: ${route}\r\nMax-Forwards`),
  );
  await until('the ACK is relayed', () => runner.sent.some(({ text }) => text.startsWith('ACK')));
  return { ...runner, mi };
}

describe('requests inside dialogs by command', () => {
  test('dlg_send_sequential sends a request to a side and answers with its final reply', async () => {
    const { mi, sent, receive, stop } = await answered();
    try {
      const answer = mi('dialog:send_sequential', {
        callid: 'a@a.example',
        method: 'REFER',
        mode: 'callee',
        headers: 'Refer-To: <sip:carol@c.example>',
      });
      await until('the request leaves', () => sent.some(({ text }) => text.startsWith('REFER')));
      const refer = sent.find(({ text }) => text.startsWith('REFER'))?.text ?? '';
      assert.match(refer, /^REFER sip:bob@127\.0\.0\.1:5080 SIP\/2\.0\r\n/);
      assert.match(refer, /^Contact: <sip:alice@127\.0\.0\.1:5070>\r$/m);
      assert.match(refer, /^Refer-To: <sip:carol@c\.example>\r$/m);
      receive(answerTo(refer, '202 Accepted'), 5080);
      assert.deepEqual(await answer, { Code: 202, Reason: 'Accepted' });
    } finally {
      await stop();
    }
  });

  test('an INVITE with the SDP that a side was sent last is acknowledged', async () => {
    const { mi, sent, receive, stop } = await answered();
    try {
      const before = sent.length;
      const answer = mi('dlg_send_sequential', { callid: 'a@a.example', mode: 'callee', body: 'outbound' });
      const later = (method: string) => sent.slice(before).find(({ text }) => text.startsWith(method))?.text;
      await until('the INVITE leaves', () => later('INVITE') !== undefined);
      const invite = later('INVITE') ?? '';
      assert.ok(invite.endsWith(SDP));
      receive(answerTo(invite, '200 OK'), 5080);
      assert.deepEqual(await answer, { Code: 200, Reason: 'OK' });
      assert.match(later('ACK') ?? '', /^CSeq: 2 ACK\r$/m);
    } finally {
      await stop();
    }
  });

  test('header lines that would end the header, or repeat one of the proxy, are refused', async () => {
    const { mi, sent, stop } = await answered();
    try {
      const before = sent.length;
      for (const headers of [
        'X-A: b\r\n\r\nINVITE sip:x@y SIP/2.0',
        'X-A: b\n\nmore',
        'X-A: b\nContent-Length: 0',
        'l: 0',
        'Via: SIP/2.0/UDP x',
        'no colon',
        'X-A: b\rX-B: c',
        'X-A: \0',
      ]) {
        const answer = mi('dlg_send_sequential', { callid: 'a@a.example', mode: 'callee', method: 'INFO', headers });
        await assert.rejects(answer, /the headers are refused: /, JSON.stringify(headers));
      }
      assert.equal(sent.length, before);
    } finally {
      await stop();
    }
  });

  test('what cannot be sent is refused', async () => {
    const { mi, stop } = await answered();
    try {
      const callid = 'a@a.example';
      await assert.rejects(mi('dlg_send_sequential', { callid: 'no' }), /not found/);
      await assert.rejects(mi('dlg_send_sequential', { callid }), /an INVITE needs a body/);
      await assert.rejects(mi('dlg_send_sequential', { callid, mode: 'challenge' }), /mode "challenge"/);
      await assert.rejects(mi('dlg_send_sequential', { callid, body: 'outbound' }), /no body is kept for the caller/);
      await assert.rejects(mi('dlg_send_sequential', { callid, method: 'BYE' }), /BYE is not sent/);
      await assert.rejects(mi('dlg_send_sequential', { callid, method: 'INFO', body: 'inbound' }), /"inbound"/);
    } finally {
      await stop();
    }
  });
});

for (const [contact, reason] of [
  ['tel:+15551234', /cannot be sent to the callee: its Contact is not a SIP URI/],
  ['sip:bob@callee.invalid', /cannot be sent to the callee: callee\.invalid does not resolve/],
  ['sip:bob@127.0.0.1:5080;transport=tls', /cannot be sent to the callee: no socket has its transport/],
] as const) {
  test(`dlg_send_sequential says that the callee cannot be reached: ${contact}`, async () => {
    const { mi, stop } = await answered(contact);
    try {
      const params = { callid: 'a@a.example', method: 'INFO', mode: 'callee' };
      await assert.rejects(mi('dlg_send_sequential', params), reason);
    } finally {
      await stop();
    }
  });
}

test('dialogs are put into profiles by command, and taken out', async () => {
  const { mi, stop } = await answered();
  const size = async (value: string): Promise<unknown> =>
    ((await mi('profile_get_size', { profile: 'peer', value })) as { Profile: { count: number } }).Profile.count;
  const peer = { dlg_id: 'a@a.example', profile: 'peer' };
  try {
    await mi('set_dlg_profile', { ...peer, value: 'a' });
    await mi('dialog:set_profile', { ...peer, value: 'b' });
    assert.deepEqual([await size('a'), await size('b')], [1, 1]);
    await mi('dialog:unset_profile', { ...peer, value: 'a' });
    assert.deepEqual([await size('a'), await size('b')], [0, 1]);
    await mi('set_dlg_profile', { ...peer, value: 'c', clear_values: '1' });
    assert.deepEqual([await size('b'), await size('c')], [0, 1]);
    await mi('unset_dlg_profile', peer);
    assert.equal(await size('c'), 0);
    await assert.rejects(mi('unset_dlg_profile', peer), /not in the profile/);
    await assert.rejects(mi('set_dlg_profile', peer), /needs a value/);
    await assert.rejects(mi('set_dlg_profile', { ...peer, profile: 'none' }), /Profile not found/);
  } finally {
    await stop();
  }
});
