import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../support/fake-clock.js';
import { answerTo, INVITE, type ScriptRunner, startScript } from '../../support/script-run.js';

const CONTACT = 'Contact: <sip:bob@127.0.0.1:5080>';

function relay(then: string, clock = new FakeClock(), more = '', failed = ''): ScriptRunner {
  return startScript({
    dialect: 'opensips',
    modules: 'dialog uac uac_auth signaling textops',
    head: `modparam("dialog", "options_ping_interval", 30)
      modparam("dialog", "reinvite_ping_interval", 60)
      modparam("uac_auth", "credential", "alice:gw:secret")
      ${more}`,
    clock,
    script: `route {
        if (has_totag()) { if (!loose_route()) { send_reply(404, "Not here"); exit; } t_relay(); exit; }
        if (is_method("CANCEL")) { t_relay(); exit; }
        record_route();
        ${then}
        t_on_failure("failed");
        $du = "sip:127.0.0.1:5080";
        t_relay();
      }
      onreply_route { if (is_method("INVITE") && has_body("application/sdp")) replace_body_all("10.0.0.9", "192.0.2.1"); }
      failure_route[failed] { ${failed} exit; }
      route[over] { xlog("$DLG_end_reason\\n"); }`,
  });
}

const sdp = (address: string): string =>
  `v=0\r\no=- 1 1 IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n`;

const withBody = (message: string, body: string): string =>
  message.replace(
    'Content-Length: 0\r\n\r\n',
    `Content-Type: application/sdp\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );

/** Sent messages whose first line begins with `start`, each text once. */
const sentBy = (runner: ScriptRunner, start: string) => [
  ...new Map(runner.sent.filter(({ text }) => text.startsWith(start)).map((each) => [each.text, each])).values(),
];

const cseqOf = (text: string | undefined): string => /^CSeq: (.*)\r$/m.exec(text ?? '')?.[1] ?? '';

/** A request in the dialog, along its Record-Route. */
function within(runner: ScriptRunner, method: string, cseq: number, from: 'caller' | 'callee' = 'caller'): string {
  const route = /^Record-Route: (.*)\r$/m.exec(sentBy(runner, 'INVITE')[0]?.text ?? '')?.[1] ?? '';
  const [caller, callee] = ['"Alice" <sip:alice@a.example>;tag=ft', '<sip:bob@b.example>;tag=tt'];
  const [uri, port] = from === 'caller' ? ['sip:bob@127.0.0.1:5080', 5070] : ['sip:alice@127.0.0.1:5070', 5080];
  return [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK${method}${cseq}${from}`,
    'Max-Forwards: 70',
    `Route: ${route}`,
    `From: ${from === 'caller' ? caller : callee}`,
    `To: ${from === 'caller' ? callee : caller}`,
    'Call-ID: a@a.example',
    `CSeq: ${cseq} ${method}`,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

test('after OPTIONS that the proxy sent within a dialog, CSeq numbers of its requests are raised, and replies have the number of their sender', async () => {
  const clock = new FakeClock();
  const runner = relay('create_dialog("options-ping-callee,options-ping-caller");', clock);
  try {
    runner.receive(INVITE);
    runner.receive(
      answerTo(sentBy(runner, 'INVITE')[0]?.text ?? '', '200 OK', { tag: 'tt', headers: [CONTACT] }),
      5080,
    );
    for (let i = 0; i < 2; i++) {
      clock.advance(30_000);
      for (const { text, port } of sentBy(runner, 'OPTIONS').slice(-2)) runner.receive(answerTo(text, '200 OK'), port);
    }
    const pings = sentBy(runner, 'OPTIONS');
    assert.deepEqual(pings.map(({ text, port }) => `${port} ${cseqOf(text)}`).sort(), [
      '5070 1 OPTIONS',
      '5070 2 OPTIONS',
      '5080 2 OPTIONS',
      '5080 3 OPTIONS',
    ]);
    // The ACK of the first INVITE has that INVITE's number, even if it comes late.
    runner.receive(within(runner, 'ACK', 1));
    assert.equal(cseqOf(sentBy(runner, 'ACK')[0]?.text), '1 ACK');
    // A re-INVITE, its ACK, a request of the callee, and the BYE.
    runner.receive(within(runner, 'INVITE', 2));
    const again = sentBy(runner, 'INVITE')[1]?.text ?? '';
    assert.equal(cseqOf(again), '4 INVITE');
    runner.receive(answerTo(again, '200 OK', { headers: [CONTACT] }), 5080);
    assert.equal(cseqOf(sentBy(runner, 'SIP/2.0 200').at(-1)?.text), '2 INVITE');
    clock.advance(30_000);
    runner.receive(within(runner, 'ACK', 2));
    assert.equal(cseqOf(sentBy(runner, 'ACK')[1]?.text), '4 ACK');
    runner.receive(within(runner, 'INFO', 1, 'callee'));
    const info = sentBy(runner, 'INFO')[0]?.text ?? '';
    assert.equal(cseqOf(info), '4 INFO');
    runner.receive(answerTo(info, '200 OK'), 5070);
    assert.equal(cseqOf(sentBy(runner, 'SIP/2.0 200').at(-1)?.text), '1 INFO');
    runner.receive(within(runner, 'BYE', 3));
    const bye = sentBy(runner, 'BYE')[0]?.text ?? '';
    assert.equal(cseqOf(bye), '6 BYE');
    runner.receive(answerTo(bye, '200 OK'), 5080);
    assert.equal(cseqOf(sentBy(runner, 'SIP/2.0 200').at(-1)?.text), '3 BYE');
  } finally {
    await runner.stop();
  }
});

test('within a dialog uac_auth() increments CSeq, and the later requests of the dialog follow it', async () => {
  for (const [create, numbers] of [
    ['create_dialog();', ['1 INVITE', '2 INVITE']],
    ['', ['1 INVITE', '1 INVITE']],
  ] as const) {
    const runner = relay(create, new FakeClock(), '', '$du = "sip:127.0.0.1:5080"; if (uac_auth()) t_relay();');
    try {
      runner.receive(INVITE);
      const challenge = 'Proxy-Authenticate: Digest realm="gw", nonce="n"';
      runner.receive(
        answerTo(sentBy(runner, 'INVITE')[0]?.text ?? '', '407 Proxy Authentication Required', {
          tag: 'no',
          headers: [challenge],
        }),
        5080,
      );
      const invites = sentBy(runner, 'INVITE').map(({ text }) => text);
      assert.deepEqual(invites.map(cseqOf), numbers);
      assert.match(invites[1] ?? '', /^Proxy-Authorization: /m);
      runner.receive(answerTo(invites[1] ?? '', '200 OK', { tag: 'tt', headers: [CONTACT] }), 5080);
      assert.equal(cseqOf(sentBy(runner, 'SIP/2.0 200')[0]?.text), '1 INVITE');
      runner.receive(within(runner, 'ACK', 1));
      assert.equal(cseqOf(sentBy(runner, 'ACK').at(-1)?.text), numbers[1].replace('INVITE', 'ACK'));
      runner.receive(within(runner, 'BYE', 2));
      assert.equal(cseqOf(sentBy(runner, 'BYE')[0]?.text), create === '' ? '2 BYE' : '3 BYE');
    } finally {
      await runner.stop();
    }
  }
});

test('a re-INVITE ping has the SDP that its receiver got last, its 200 gets an ACK, and 481 ends the dialog', async () => {
  const clock = new FakeClock();
  const runner = relay('create_dialog("reinvite-ping-caller"); dlg_on_hangup("over");', clock);
  try {
    runner.receive(withBody(INVITE, sdp('10.0.0.8')));
    const invite = sentBy(runner, 'INVITE')[0]?.text ?? '';
    runner.receive(withBody(answerTo(invite, '200 OK', { tag: 'tt', headers: [CONTACT] }), sdp('10.0.0.9')), 5080);
    clock.advance(60_000);
    const ping = sentBy(runner, 'INVITE')[1];
    assert.equal(ping?.port, 5070);
    const text = ping?.text ?? '';
    assert.match(text, /^INVITE sip:alice@127\.0\.0\.1:5070 SIP\/2\.0\r\n/);
    assert.match(text, /^Contact: <sip:bob@127\.0\.0\.1:5080>\r$/m);
    assert.match(text, /^Content-Type: application\/sdp\r$/m);
    // The SDP as the reply route has changed it for the caller.
    assert.ok(text.endsWith(`\r\n\r\n${sdp('192.0.2.1')}`), text);
    assert.equal(cseqOf(text), '1 INVITE');
    runner.receive(
      withBody(answerTo(text, '200 OK', { headers: ['Contact: <sip:alice@127.0.0.1:5070>'] }), sdp('10.0.0.8')),
      5070,
    );
    const ack = sentBy(runner, 'ACK')[0];
    assert.equal(ack?.port, 5070);
    assert.equal(cseqOf(ack?.text), '1 ACK');
    assert.match(ack?.text ?? '', /\r\nContent-Length: 0\r\n\r\n$/);
    clock.advance(60_000);
    runner.receive(answerTo(sentBy(runner, 'INVITE')[2]?.text ?? '', '481 Call/Transaction Does Not Exist'), 5070);
    assert.deepEqual(runner.lines, ['ReINVITE Ping Timeout']);
    assert.equal(sentBy(runner, 'BYE').length, 2);
  } finally {
    await runner.stop();
  }
});

test('the header fields of dlg_extra_hdrs are added to requests that the dialog module sends', async () => {
  const clock = new FakeClock();
  const runner = relay('create_dialog("p");', clock, 'modparam("dialog", "dlg_extra_hdrs", "X-Hint: ours\\r\\n")');
  try {
    runner.receive(INVITE);
    runner.receive(
      answerTo(sentBy(runner, 'INVITE')[0]?.text ?? '', '200 OK', { tag: 'tt', headers: [CONTACT] }),
      5080,
    );
    clock.advance(30_000);
    assert.match(sentBy(runner, 'OPTIONS')[0]?.text ?? '', /\r\nX-Hint: ours\r\nUser-Agent: /);
  } finally {
    await runner.stop();
  }
});

test('with flag E a call that is answered after its CANCEL is ended after race_condition_timeout', async () => {
  for (const flags of ['E', 'end-on-race-condition', '']) {
    const clock = new FakeClock();
    const runner = relay(`create_dialog("${flags}");`, clock, 'modparam("dialog", "race_condition_timeout", 7)');
    try {
      runner.receive(INVITE);
      const invite = sentBy(runner, 'INVITE')[0]?.text ?? '';
      runner.receive(answerTo(invite, '180 Ringing', { tag: 'tt' }), 5080);
      runner.receive(
        INVITE.replace(/^INVITE/, 'CANCEL')
          .replace('1 INVITE', '1 CANCEL')
          .replace(/^Contact.*\r\n/m, ''),
      );
      runner.receive(answerTo(invite, '200 OK', { tag: 'tt', headers: [CONTACT] }), 5080);
      clock.advance(6000);
      assert.equal(sentBy(runner, 'BYE').length, 0);
      clock.advance(2000);
      assert.equal(sentBy(runner, 'BYE').length, flags === '' ? 0 : 2, flags);
    } finally {
      await runner.stop();
    }
  }
});
